//! A PostgreSQL database that refuses writes, whoever comes.

use std::time::Duration;

use deadpool_postgres::Object;

use super::{Postgres, closed_or};
use crate::error::Error;

/// Holds for sessions that begin from now on.
const FREEZE: &str = "DO $$ BEGIN EXECUTE format(\
    'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$";
const THAW: &str = "BEGIN READ WRITE; DO $$ BEGIN EXECUTE format(\
    'ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$; COMMIT";
/// Sessions that began before go on as they began: they are ended. Their nodes open others.
const END_OTHERS: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() \
    AND backend_start < to_timestamp($1::text::double precision)";
const NOW: &str = "SELECT extract(epoch FROM clock_timestamp())::text";
/// A session is seen a moment after it has read what it begins with, so sessions are looked for more than once.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl Postgres {
    pub(crate) async fn freeze(&self) -> Result<(), Error> {
        self.change(FREEZE).await
    }

    pub(crate) async fn thaw(&self) -> Result<(), Error> {
        self.change(THAW).await
    }

    async fn change(&self, sql: &str) -> Result<(), Error> {
        let failed = |error| closed_or("freezing the database", error);
        // This session began before, too: it does not go back into the pool.
        let client = Object::take(self.client().await?);
        client.batch_execute(sql).await.map_err(failed)?;
        let changed_at: String = client.query_one(NOW, &[]).await.map_err(failed)?.get(0);
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            client.query(END_OTHERS, &[&changed_at]).await.map_err(failed)?;
        }
        Ok(())
    }
}
