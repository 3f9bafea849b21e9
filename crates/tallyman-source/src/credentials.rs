//! Credentials of registries, and their reading from the files that `docker login` and
//! `podman login` write (docker/cli, "config.json"; containers-auth.json(5)).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;
use tallyman_model::reference::DEFAULT_REGISTRY;

use crate::error::SourceError;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The user name and the password of one registry or one part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCredentials {
    /// The registry's host, optionally with a path (`registry.example:5000/team`); the longest
    /// that fits an image is used.
    pub scope: String,
    /// The user name.
    pub username: String,
    /// The password or access token.
    pub password: Secret,
}

impl RegistryCredentials {
    /// Returns the value of an `Authorization` header (RFC 7617, section 2).
    pub(crate) fn basic(&self) -> Secret {
        let pair = format!("{}:{}", self.username, self.password.reveal());
        Secret(format!("Basic {}", STANDARD.encode(pair)))
    }
}

/// What a credentials file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DockerConfig {
    /// The credentials that can be used.
    pub credentials: Vec<RegistryCredentials>,
    /// What the file names and this program cannot use, one sentence each.
    pub unsupported: Vec<String>,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    auths: BTreeMap<String, AuthEntry>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct AuthEntry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "identitytoken")]
    identity_token: String,
}

/// Reads the text of `~/.docker/config.json` or of an `auth.json`. Credential helpers are
/// programs; they are listed as unsupported, not run.
pub fn credentials_from_docker_config(json: &str) -> Result<DockerConfig, SourceError> {
    let file: ConfigFile = serde_json::from_str(json).map_err(|error| {
        // The error's own text may quote a password.
        let place = format!("line {}, column {}", error.line(), error.column());
        SourceError::malformed("the credentials file", format!("invalid JSON at {place}"))
    })?;
    let mut config = DockerConfig::default();
    for (key, entry) in &file.auths {
        let scope = scope_of(key);
        match pair_of(entry) {
            Some((username, password)) => {
                let password = Secret(password);
                config.credentials.push(RegistryCredentials { scope, username, password });
            }
            None if !entry.identity_token.is_empty() => {
                config.unsupported.push(format!("the identity token of {scope} is not supported"));
            }
            // `docker login` with a credential store leaves an empty entry.
            None if entry.auth.is_empty() => {}
            None => config.unsupported.push(format!("the entry of {scope} is not base64")),
        }
    }
    for (host, helper) in &file.helpers {
        let text = format!("the credential helper `{helper}` of {host} is not run");
        config.unsupported.push(text);
    }
    if let Some(store) = file.store.filter(|store| !store.is_empty()) {
        config.unsupported.push(format!("the credential store `{store}` is not asked"));
    }
    Ok(config)
}

/// Finds the credentials with the longest scope that fits the repository.
pub(crate) fn find<'a>(
    credentials: &'a [RegistryCredentials],
    registry: &str,
    repository: &str,
) -> Option<&'a RegistryCredentials> {
    let full = format!("{registry}/{repository}");
    let fits = |scope: &str| {
        full.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    credentials
        .iter()
        .filter(|entry| fits(&scope_of(&entry.scope)))
        .max_by_key(|entry| entry.scope.len())
}

fn scope_of(key: &str) -> String {
    let without_scheme = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = match without_scheme {
        // A URL comes from old versions of Docker and means the whole host (`/v1/`, `/v2/`).
        Some(rest) => (rest.split('/').next().unwrap_or(rest), ""),
        None => key.split_once('/').unwrap_or((key, "")),
    };
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        other => other,
    };
    match path.trim_end_matches('/') {
        "" => host.to_owned(),
        path => format!("{host}/{path}"),
    }
}

fn pair_of(entry: &AuthEntry) -> Option<(String, String)> {
    if entry.auth.is_empty() {
        return (!entry.username.is_empty())
            .then(|| (entry.username.clone(), entry.password.clone()));
    }
    let auth = entry.auth.trim();
    let bytes = STANDARD.decode(auth).or_else(|_| STANDARD_NO_PAD.decode(auth)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.trim_end_matches('\0').split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests;
