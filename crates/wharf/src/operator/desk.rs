//! Who carries out an order: a registry that is open, or a standby, which becomes one.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::Operator;
use super::order::Order;
use super::step::Teller;
use crate::standby::Standby;
use crate::standby::hub::Hub;

/// The server behind the control socket. Clones share it.
#[derive(Clone)]
pub(crate) enum Desk {
    /// A registry, and what it knows of its standby.
    Registry(Box<Operator>, Option<Hub>),
    /// A standby.
    Standby(Standby),
}

impl Desk {
    /// Does what was ordered.
    pub(crate) async fn carry_out(&self, order: Order, teller: &Teller) -> anyhow::Result<Value> {
        match (self, order) {
            (Self::Standby(standby), Order::TakeOver) => {
                let standby = standby.clone();
                // It goes on when whoever ordered it hangs up: half of it is the worst place to stop.
                tokio::spawn(async move { standby.take_over().await })
                    .await
                    .context("the take-over ended unexpectedly")?
            }
            (Self::Standby(standby), order) => match (standby.taken_over(), order) {
                (Some(taken), order) => registry(&taken.operator, taken.hub.as_ref(), order, teller).await,
                (None, Order::StandbyStatus) => Ok(json!({ "standby": standby.status() })),
                (None, _) => bail!("this server is a standby: order that of its primary"),
            },
            (Self::Registry(operator, hub), order) => registry(operator, hub.as_ref(), order, teller).await,
        }
    }
}

async fn registry(operator: &Operator, hub: Option<&Hub>, order: Order, teller: &Teller) -> anyhow::Result<Value> {
    match order {
        Order::Backup(backup) => operator.back_up(backup, teller).await,
        Order::Migrate(migrate) => operator.migrate(migrate, teller).await,
        Order::Abandon => operator.abandon().await,
        Order::TakeOver => {
            let role = hub.map(Hub::role);
            let taken = role.as_ref().and_then(|role| role.primary()?.taken_from.as_ref().map(|_| role.epoch));
            // Twice is once, also when the server was started anew in between.
            let epoch = taken.context("this server is no standby")?;
            Ok(json!({ "epoch": epoch, "primary_stopped": false }))
        }
        Order::StandbyStatus => {
            let hub = hub.context("this server has no `standby.token_file`: nobody can follow it")?;
            Ok(json!({ "primary": hub.status() }))
        }
    }
}
