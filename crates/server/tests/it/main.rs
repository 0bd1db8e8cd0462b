//! The program as people run it.

mod command_line;
mod demo;
