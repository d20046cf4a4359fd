//! Stands between the server and its backend: counts calls, holds them up, and fails them.

use std::sync::Mutex;

use async_trait::async_trait;
use backend::faults::FaultWhen;
use backend::{BackendError, Call, CallHook};
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

    /// Calls of the store for single jobs since the last time. The first sweep, which reads lists, may still be under way.
    pub fn take_store_calls(&self) -> Vec<&'static str> {
        const LISTS: [&str; 3] = ["store.recent", "store.finished_since", "store.expired"];
        let calls = self.take_calls().into_iter();
        calls.filter(|name| name.starts_with("store.") && !LISTS.contains(name)).collect()
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

    async fn pass_gate(&self, name: &'static str, when: FaultWhen) {
        let is_here = self.gate.send_if_modified(|gate| match gate {
            Some(gate) if gate.name == name && gate.when == when => {
                gate.is_reached = true;
                true
            }
            _ => false,
        });
        if is_here {
            self.gate.subscribe().wait_for(Option::is_none).await.expect("the gate outlives its calls");
        }
    }
}

#[async_trait]
impl CallHook for Hook {
    async fn before(&self, Call { name, .. }: Call) -> backend::Result<()> {
        self.calls.lock().unwrap().push(name);
        self.pass_gate(name, FaultWhen::Before).await;
        let outage = *self.outage.lock().unwrap();
        match outage {
            Some(names) if name.starts_with(names) => {
                Err(BackendError::Transient("as the test wants it".into()))
            }
            _ => Ok(()),
        }
    }

    async fn after(&self, Call { name, .. }: Call, _: Option<&BackendError>) -> backend::Result<()> {
        self.pass_gate(name, FaultWhen::After).await;
        Ok(())
    }
}
