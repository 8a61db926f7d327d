//! A connection that reads outside of a transaction, for as long as somebody waits for the answer.

use std::ops::Deref;

use deadpool_postgres::{Client, ClientWrapper};
use tokio::runtime::Handle;

use super::tls::Connector;

/// A connection in use. Dropped before its end, the statement is cancelled and the connection closed: its next user
/// must not wait behind a statement that nobody wants any more.
#[derive(Debug)]
pub(super) struct Reading {
    client: Option<Client>,
    connector: Connector,
}

impl Reading {
    pub(super) fn new(client: Client, connector: Connector) -> Self {
        Self { client: Some(client), connector }
    }

    /// The statement was answered: the connection may be used again.
    pub(super) fn end(mut self) -> Client {
        self.client.take().expect("only `end` and `drop` take it, and both are the last use")
    }
}

impl Deref for Reading {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.client.as_ref().expect("only `end` and `drop` take it, and both are the last use")
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (Some(client), Ok(runtime)) = (self.client.take(), Handle::try_current()) else { return };
        let (cancel, connector) = (client.cancel_token(), self.connector.clone());
        drop(Client::take(client));
        runtime.spawn(async move {
            // Without it the server would find out when it has an answer. A failure changes nothing for anybody here.
            cancel.cancel_query(connector.0).await.ok();
        });
    }
}
