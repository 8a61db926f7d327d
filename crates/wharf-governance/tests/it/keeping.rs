//! Keeping: what is held, what runs, and what goes by rule.

mod fixture;
mod hold;
mod retention;
mod retention_facts;
mod retention_histories;
mod running;
