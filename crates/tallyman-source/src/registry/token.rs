//! Tokens: asking for one (Docker Registry v2 authentication, "Token Authentication
//! Specification"), and keeping it until it expires.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::credentials::Secret;
use crate::document::json;
use crate::error::SourceError;

/// Tokens are a few kilobytes; some carry many claims.
pub(super) const MAX_TOKEN_BYTES: u64 = 1 << 20;
/// Kept tokens of many repositories are forgotten beyond this number.
const MAX_KEPT: usize = 1_000;
/// What an answer without `expires_in` means, and the least that any answer is taken to mean.
const MIN_LIFE: Duration = Duration::from_secs(60);
/// A token is not used in its last seconds: a request takes time to arrive.
const MARGIN: Duration = Duration::from_secs(10);

/// The authorizations that are in force, by registry and scope.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    kept: Mutex<HashMap<(String, String), Grant>>,
}

#[derive(Clone, Debug)]
struct Grant {
    authorization: Secret,
    /// Absent for Basic, which does not expire.
    until: Option<Instant>,
}

impl Tokens {
    pub(super) fn find(&self, origin: &str, scope: &str) -> Option<Secret> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = kept.get(&(origin.to_owned(), scope.to_owned()))?;
        let is_fresh = grant.until.is_none_or(|until| until > Instant::now());
        is_fresh.then(|| grant.authorization.clone())
    }

    pub(super) fn keep(&self, origin: &str, scope: &str, token: &Token) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            let now = Instant::now();
            kept.retain(|_, grant| grant.until.is_none_or(|until| until > now));
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let until = token.life.map(|life| Instant::now() + life.max(MIN_LIFE) - MARGIN);
        let grant = Grant { authorization: token.authorization.clone(), until };
        kept.insert((origin.to_owned(), scope.to_owned()), grant);
    }

    pub(super) fn forget(&self, origin: &str, scope: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&(origin.to_owned(), scope.to_owned()));
    }
}

/// An authorization and how long it holds.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(super) authorization: Secret,
    pub(super) life: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Token {
    pub(crate) fn parse(subject: &str, bytes: &[u8]) -> Result<Token, SourceError> {
        // The error's own text could quote the token.
        let answer: Answer = json(subject, bytes)
            .map_err(|_| SourceError::malformed(subject, "the answer is not JSON of a token"))?;
        let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SourceError::malformed(subject, "the answer holds no token"));
        }
        // A day bounds the addition to a clock, and is longer than tokens live.
        let seconds = answer.expires_in.unwrap_or(0).min(24 * 60 * 60);
        Ok(Token {
            authorization: Secret::new(format!("Bearer {token}")),
            life: Some(Duration::from_secs(seconds)),
        })
    }
}

/// Builds the address to ask. The scope is what is needed here, whatever the registry asks for: a
/// token must not open more than this one repository for reading.
pub(super) fn token_url(realm: &Url, service: Option<&str>, scope: &str) -> Url {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", scope);
    }
    url.set_fragment(None);
    url
}
