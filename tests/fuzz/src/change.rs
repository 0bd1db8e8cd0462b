//! Changes to inputs, drawn from a seed: the same seed makes the same changes.

/// What breaks readers more often than chance would find it.
const TREACHEROUS: &[&[u8]] = &[
    b"",
    b"\0",
    b"\xff",
    b"\xf0\x9f\xa6\x80",
    b"\xed\xa0\x80",
    b"\"",
    b"\\",
    b"{",
    b"]",
    b"null",
    b"-1",
    b"1e999",
    b"9223372036854775808",
    b"18446744073709551616",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\xff\xff\xff\xff\x0f",
    b"../",
    b"%00",
    b"https://",
    b"@",
    b"\xe2\x80\xae",
];

/// Changes inputs.
#[derive(Debug)]
pub struct Changer(u64);

impl Changer {
    /// A changer that draws from a seed.
    pub fn new(seed: u64) -> Changer {
        Changer(seed)
    }

    /// SplitMix64; `bound` is above 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let drawn = (z ^ (z >> 31)) % (bound as u64);
        usize::try_from(drawn).unwrap_or(0)
    }

    /// One of the inputs, of which there is one at least, changed in one to five places.
    pub fn changed(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = inputs[self.below(inputs.len())].clone();
        for _ in 0..=self.below(5) {
            self.change(&mut input, inputs);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(16)).min(input.len());
        match self.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap_or(0),
            2 => {
                let treacherous = TREACHEROUS[self.below(TREACHEROUS.len())];
                input.splice(at..end, treacherous.iter().copied());
            }
            3 => drop(input.drain(at..end)),
            4 => input.truncate(at),
            5 => {
                let again = input[at..end].repeat(1 + self.below(64));
                input.splice(at..at, again);
            }
            6 => {
                let other = &inputs[self.below(inputs.len())];
                let from = self.below(other.len() + 1);
                let to = (from + self.below(64)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let treacherous = TREACHEROUS[self.below(TREACHEROUS.len())];
                input.splice(at..at, treacherous.iter().copied());
            }
        }
    }
}
