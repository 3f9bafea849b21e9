//! Alibaba Cloud's RPC contract: parameters, signatures, RAM policies, errors and answers.
