//! What causes a call to Lever: which rpc, and which operation.
//!
//! It goes with the task that does the work, so that nothing between an rpc and the client of Lever has to hand it on.
//! Work that is done by itself has none.

use std::future::Future;
use std::sync::Arc;

use domain::OperationId;
use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static CAUSE: Cause;
}

/// What causes the work of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// The id of the rpc, as its caller and the log know it.
    pub rpc: Option<Arc<str>>,
    /// The operation that is being made.
    pub operation: Option<OperationId>,
    /// Whether it is to find out what a credential may do.
    pub permission_test: bool,
}

impl Cause {
    /// An rpc of that id.
    pub fn rpc(id: &str) -> Cause {
        Cause {
            rpc: Some(Arc::from(id)),
            ..Cause::default()
        }
    }

    /// An operation, and the rpc that asked for it where that is known.
    pub(crate) fn operation(operation: &domain::Operation) -> Cause {
        Cause {
            rpc: operation.rpc.as_deref().map(Arc::from),
            operation: Some(operation.id),
            ..Cause::default()
        }
    }

    /// Finding out what a credential may do, for whom this task works now.
    pub(crate) fn permission_test() -> Cause {
        Cause {
            permission_test: true,
            ..Cause::present()
        }
    }

    /// What causes the work of this task now.
    pub fn present() -> Cause {
        CAUSE.try_with(Cause::clone).unwrap_or_default()
    }

    /// Does something for this cause.
    pub fn during<F: Future>(self, work: F) -> TaskLocalFuture<Cause, F> {
        CAUSE.scope(self, work)
    }

    /// Does something at once for this cause.
    pub fn at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        CAUSE.sync_scope(self.clone(), work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cause_goes_with_its_work_and_with_nothing_else() {
        assert_eq!(Cause::present(), Cause::default());
        let inside = Cause::rpc("r").during(async {
            tokio::task::yield_now().await;
            Cause::present()
        });
        assert_eq!(inside.await, Cause::rpc("r"));
        assert_eq!(Cause::rpc("s").at_once(Cause::present), Cause::rpc("s"));
        assert_eq!(Cause::present(), Cause::default());
    }
}
