//! The management API through its router: who may do what, each noun's life, hostile requests, the OpenAPI document.

mod access;
mod accounts;
mod fixture;
mod hostile;
mod keeping;
mod keys;
mod openapi;
mod pages;
mod projects;
mod promotions;
mod robots;
mod versions;
