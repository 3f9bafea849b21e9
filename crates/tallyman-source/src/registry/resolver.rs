//! Name resolution that leaves out addresses a request may not go to. The check is made on the
//! addresses that are then connected to, so a name that changes its mind gains nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::registry::address::{Reach, reach_of};

/// Resolves names to addresses no further inside than `ceiling`.
#[derive(Clone, Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) ceiling: Reach,
    pub(crate) exempt: Arc<[String]>,
}

/// All addresses of the name were left out.
#[derive(Debug, thiserror::Error)]
#[error("all addresses of {host} are private or reserved")]
pub(crate) struct AddressRefused {
    pub(crate) host: String,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let is_exempt = guard.exempt.iter().any(|exempt| exempt.eq_ignore_ascii_case(&host));
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|it| is_exempt || reach_of(it.ip()) <= guard.ceiling).collect();
            if allowed.is_empty() {
                return Err(AddressRefused { host }.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
