//! Alibaba Cloud's RPC contract: parameters, signatures, RAM policies, errors and answers.

pub mod answer;
pub mod encoding;
pub mod error;
pub mod parameters;
pub mod request;
pub mod secret;
