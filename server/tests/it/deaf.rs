//! A topic that can be made deaf, and a server that is the only one not to hear.

use std::sync::Arc;

use async_trait::async_trait;
use backend::{Backend, Heard, JobTopic, Reach, Subscription};
use domain::JobEvent;
use tokio::sync::{mpsc, watch};

/// The real topic underneath; while it is deaf, what is published is lost on its way.
#[derive(Clone)]
pub struct Deaf {
    inner: Arc<dyn JobTopic>,
    is_deaf: watch::Sender<bool>,
    reach: watch::Sender<Reach>,
}

impl Deaf {
    pub fn over(backend: &mut Backend) -> Deaf {
        let deaf = Deaf {
            inner: backend.topic.clone(),
            is_deaf: watch::Sender::new(false),
            reach: watch::Sender::new(Reach::Clustered),
        };
        backend.topic = Arc::new(deaf.clone());
        deaf
    }

    /// Nothing is heard, and nobody has noticed.
    pub fn lose(&self) {
        self.is_deaf.send_replace(true);
    }

    pub fn notice(&self) {
        self.reach.send_replace(Reach::Isolated);
    }

    pub fn heal(&self) {
        self.is_deaf.send_replace(false);
        self.reach.send_replace(Reach::Clustered);
    }
}

#[async_trait]
impl JobTopic for Deaf {
    async fn publish(&self, event: &JobEvent) -> backend::Result<()> {
        self.inner.publish(event).await
    }

    async fn subscribe(&self) -> backend::Result<Subscription> {
        let mut heard = self.inner.subscribe().await?;
        let (sender, receiver) = mpsc::channel::<Heard>(1024);
        let is_deaf = self.is_deaf.subscribe();
        tokio::spawn(async move {
            while let Some(heard) = heard.next().await {
                let is_lost = *is_deaf.borrow();
                if !is_lost && sender.send(heard).await.is_err() {
                    return;
                }
            }
        });
        Ok(Subscription::new(receiver))
    }

    fn reach(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }
}
