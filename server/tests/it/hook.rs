//! Stands between the server and its backend: counts calls, holds them up, and fails them.

use std::sync::Mutex;

use async_trait::async_trait;
use backend::BackendError;
use backend::faults::{Call, CallHook, FaultWhen};
use tokio::sync::watch;

#[derive(Default)]
pub struct Hook {
    calls: Mutex<Vec<&'static str>>,
    gate: watch::Sender<Option<Gate>>,
    /// Start of the names of calls that fail.
    outage: Mutex<Option<&'static str>>,
}

/// A call that waits until the gate is opened.
#[derive(Clone, Copy, PartialEq)]
struct Gate {
    name: &'static str,
    when: FaultWhen,
    is_reached: bool,
}

impl Hook {
    /// Calls since the last time, by name.
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Calls of the store since the last time.
    pub fn take_store_calls(&self) -> Vec<&'static str> {
        self.take_calls().into_iter().filter(|name| name.starts_with("store.")).collect()
    }

    /// From now on calls whose name starts so fail before they take effect.
    pub fn fail(&self, names: Option<&'static str>) {
        *self.outage.lock().unwrap() = names;
    }

    pub fn close_gate(&self, name: &'static str, when: FaultWhen) {
        self.gate.send_replace(Some(Gate { name, when, is_reached: false }));
    }

    /// Waits until a call stands before the closed gate.
    pub async fn reached(&self) {
        let mut gate = self.gate.subscribe();
        gate.wait_for(|gate| gate.is_some_and(|gate| gate.is_reached)).await.unwrap();
    }

    pub fn open_gate(&self) {
        self.gate.send_replace(None);
    }
}

#[async_trait]
impl CallHook for Hook {
    async fn meet(&self, Call { name, .. }: Call, when: FaultWhen) -> backend::Result<()> {
        if when == FaultWhen::Before {
            self.calls.lock().unwrap().push(name);
        }
        let is_here = |gate: &Gate| gate.name == name && gate.when == when;
        if self.gate.borrow().as_ref().is_some_and(is_here) {
            self.gate.send_modify(|gate| {
                if let Some(gate) = gate {
                    gate.is_reached = true;
                }
            });
            self.gate.subscribe().wait_for(Option::is_none).await.expect("the gate outlives its calls");
        }
        let outage = *self.outage.lock().unwrap();
        match outage {
            Some(names) if when == FaultWhen::Before && name.starts_with(names) => {
                Err(BackendError::Transient("as the test wants it".into()))
            }
            _ => Ok(()),
        }
    }
}
