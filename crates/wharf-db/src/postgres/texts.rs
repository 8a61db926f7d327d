//! What is known of each statement's text: its PostgreSQL form, and its parameters' types.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::Type;

use crate::statement::with_dollars;

/// One statement.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) sql: String,
    /// Learned from the server once, where statements are not prepared for longer.
    types: RwLock<Option<Arc<[Type]>>>,
}

/// All statements that were used. They are static texts of this program, so their number is bounded.
#[derive(Debug, Default)]
pub(super) struct Texts(RwLock<HashMap<&'static str, Arc<Text>>>);

impl Texts {
    pub(super) fn get(&self, sql: &'static str) -> Arc<Text> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        known.unwrap_or_else(|| {
            let text = Arc::new(Text { sql: with_dollars(sql), types: RwLock::default() });
            let mut texts = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(texts.entry(sql).or_insert(text))
        })
    }
}

impl Text {
    /// The types of the parameters. Must run inside a transaction: behind a pgbouncer, that keeps both messages, the
    /// preparation and the end of the prepared statement, on one server connection.
    pub(super) async fn types(&self, client: &ClientWrapper) -> Result<Arc<[Type]>, tokio_postgres::Error> {
        if let Some(types) = self.known_types() {
            return Ok(types);
        }
        let types: Arc<[Type]> = client.prepare(&self.sql).await?.params().into();
        *self.types.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&types));
        Ok(types)
    }

    /// The types, if they were learned before.
    pub(super) fn known_types(&self) -> Option<Arc<[Type]>> {
        self.types.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
