//! Every test of the store runs on SQLite and, where a server is at hand, on PostgreSQL.

mod basics;
mod crash;
mod db;
mod model;
mod opening;
