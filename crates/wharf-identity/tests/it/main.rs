//! Identity over a real catalog: on SQLite, and on PostgreSQL where `WHARF_TEST_POSTGRES` names one.

mod access;
mod audit;
mod data_key;
mod fixture;
mod group;
mod job;
mod key;
mod login;
mod member;
mod persons;
mod project;
mod robot;
mod roles;
mod standing;
mod token;
mod user;
