//! The way from outside to the service's HTTP side: a stand-in for the proxy before it, which stays where it is when
//! the service comes and goes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A door that leads to nowhere until it is told.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    leads_to: Arc<Mutex<Option<SocketAddr>>>,
    guard: JoinHandle<()>,
}

impl Door {
    pub(crate) async fn open() -> Door {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let leads_to = Arc::new(Mutex::new(None));
        let guard = tokio::spawn(guard(listener, leads_to.clone()));
        Door {
            address,
            leads_to,
            guard,
        }
    }

    /// Where Lever finds the service.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets callers through to `inside` from now on.
    pub(crate) fn lead_to(&self, inside: SocketAddr) {
        *self.leads_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(inside);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.guard.abort();
    }
}

async fn guard(listener: TcpListener, leads_to: Arc<Mutex<Option<SocketAddr>>>) {
    while let Ok((mut outside, _)) = listener.accept().await {
        let inside = *leads_to.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::spawn(async move {
            // A caller that finds nobody is hung up on, as by a proxy whose service is away.
            if let Some(inside) = inside
                && let Ok(mut inside) = TcpStream::connect(inside).await
            {
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}
