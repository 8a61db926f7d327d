//! Single statements on a connection: prepared and cached, or, behind a pgbouncer, sent whole each time.

use deadpool_postgres::ClientWrapper;
use tokio_postgres::Error;
use tokio_postgres::types::{ToSql, Type};

use super::texts::Text;
use crate::row::Row;
use crate::value::Value;

/// What stands between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing that minds prepared statements.
    Direct,
    /// A pgbouncer that may give each transaction another server connection.
    Bouncer,
}

pub(super) async fn execute(client: &ClientWrapper, link: Link, text: &Text, params: &[Value]) -> Result<u64, Error> {
    match link {
        Link::Direct => client.execute(&client.prepare_cached(&text.sql).await?, &untyped(params)).await,
        Link::Bouncer => {
            let types = text.types(client).await?;
            client.execute_typed(&text.sql, &typed(params, &types)).await
        }
    }
}

pub(super) async fn query(
    client: &ClientWrapper,
    link: Link,
    text: &Text,
    params: &[Value],
) -> Result<Vec<Row>, Error> {
    let rows = match link {
        Link::Direct => client.query(&client.prepare_cached(&text.sql).await?, &untyped(params)).await?,
        Link::Bouncer => {
            let types = text.types(client).await?;
            client.query_typed(&text.sql, &typed(params, &types)).await?
        }
    };
    rows.iter().map(read).collect()
}

fn untyped(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

fn typed<'v>(params: &'v [Value], types: &[Type]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    let typed = params.iter().zip(types);
    typed.map(|(value, ty)| -> (&(dyn ToSql + Sync), Type) { (value, ty.clone()) }).collect()
}

pub(super) fn read(row: &tokio_postgres::Row) -> Result<Row, Error> {
    (0..row.len()).map(|column| row.try_get(column)).collect::<Result<_, _>>().map(Row::new)
}
