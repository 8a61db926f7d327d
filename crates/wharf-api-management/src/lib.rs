//! Wharf's REST API for people and scripts, and its OpenAPI document.
