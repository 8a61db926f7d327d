//! What the stores promise, tried at their door.

mod files;
mod followed;
mod history;
mod root;
mod sealed;
