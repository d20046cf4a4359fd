//! A backend that fails one chosen call, before or after its effect: for tests of those who must survive it.
//!
//! The real adapter works underneath, so what the failed call did or did not do is real.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{Backend, BackendError, Call, CallHook, Result, with_hook};

/// Wraps `backend`. Without a plan it only counts.
pub fn with_faults(backend: Backend, plan: Option<FaultPlan>) -> (Backend, CallCount) {
    let count = CallCount::default();
    (with_hook(backend, Arc::new(Planned { plan, count: count.clone() })), count)
}

/// Which call fails, with [`BackendError::Transient`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultPlan {
    /// Counts from 1, over all ports. Every call counts but `subscribe` and the writing of a piece of media.
    pub fail_call: usize,
    pub when: FaultWhen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultWhen {
    /// Nothing happened.
    Before,
    /// It happened, and the answer was lost.
    After,
}

/// Calls seen so far, the failed one included.
#[derive(Debug, Clone, Default)]
pub struct CallCount(Arc<Mutex<Vec<&'static str>>>);

impl CallCount {
    pub fn get(&self) -> usize {
        self.lock().len()
    }

    /// What was called, in order, as `port.method`.
    pub fn names(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails the one call of its plan.
struct Planned {
    plan: Option<FaultPlan>,
    count: CallCount,
}

#[derive(Debug, thiserror::Error)]
#[error("call {0} fails as planned: {1}")]
struct PlannedFault(usize, &'static str);

impl Planned {
    fn meet(&self, Call { name, number }: Call, when: FaultWhen) -> Result<()> {
        match self.plan {
            Some(plan) if plan.fail_call == number && plan.when == when => {
                Err(BackendError::Transient(PlannedFault(number, name).into()))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl CallHook for Planned {
    async fn before(&self, call: Call) -> Result<()> {
        // What has no number does not count.
        if call.number > 0 {
            self.count.lock().push(call.name);
        }
        self.meet(call, FaultWhen::Before)
    }

    async fn after(&self, call: Call, error: Option<&BackendError>) -> Result<()> {
        // A call that failed by itself did so before.
        if error.is_none() { self.meet(call, FaultWhen::After) } else { Ok(()) }
    }
}
