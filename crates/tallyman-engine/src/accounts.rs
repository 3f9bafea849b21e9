//! Who may do what: users, AccessKeys, policies, and the decision on a request.

mod authorize;
mod random;

use std::sync::Arc;

use tallyman_acs::ram::policy::{Policy, PolicyError};
use tallyman_acs::ram::system::{SYSTEM_POLICIES, SystemPolicy};
use tallyman_acs::secret::Secret;
use tallyman_model::clock::Clock;
use tallyman_store::access_keys::{AccessKeyRow, AccessKeyStatus, NewAccessKey, Session};
use tallyman_store::error::StoreError;
use tallyman_store::policies::PolicyType;
use tallyman_store::store::Store;
use tallyman_store::users::{Deletion, Insertion, RamUser};

pub use crate::accounts::authorize::{AccessRequest, Caller, authorize, hash_token};
use crate::api_client::Credentials;

/// The longest and shortest life of temporary credentials (STS, AssumeRole, DurationSeconds).
const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 1..=43_200;
const MAX_NAME_CHARS: usize = 64;

const TOKEN_PREFIX: &str = "CAIS";
const TOKEN_CHARS: usize = 124;

/// What an agent needs: Tallyman's own system policy, besides those of Alibaba Cloud.
pub const AGENT_POLICY: SystemPolicy = SystemPolicy {
    name: "TallymanAgentAccess",
    description: "Report servers and their images.",
    document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["tallyman:FindMissingLayers","tallyman:PutLayer","tallyman:ReportServer"],"Resource":"*"}]}"#,
};

/// Why an account could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The thing does not exist.
    #[error("there is no {kind} `{name}`; `tallyman {kind} list` shows what there is")]
    NotFound {
        /// `user`, `key` or `policy`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The thing exists already.
    #[error("the {kind} `{name}` exists already")]
    Exists {
        /// `user` or `policy`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The thing is in use: a policy is attached, or a user got a key this very moment.
    #[error("the {kind} `{name}` is in use; detach the policy, or try again")]
    InUse {
        /// `user` or `policy`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The name is not one.
    #[error("`{0}` is not a name: expected 1 to 64 letters, digits, '.', '-', '_' and '@'")]
    InvalidName(String),
    /// The time is too short or too long.
    #[error("temporary credentials last 1 to 43200 seconds, not {0}")]
    InvalidDuration(u32),
    /// The policy document is not one.
    #[error("the policy document is not valid")]
    Policy(#[from] PolicyError),
    /// The system gave no random bytes.
    #[error("the system's source of random numbers failed")]
    NoRandomness,
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
}

/// Changes users, keys and policies.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    clock: Arc<dyn Clock>,
}

/// A policy and whom it is attached to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyListing {
    /// The policy's name.
    pub policy_name: String,
    /// `System` or `Custom`.
    pub policy_type: &'static str,
    /// The users it is attached to.
    pub users: Vec<String>,
}

impl Accounts {
    /// Works on a store.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Accounts { store, clock }
    }

    /// Creates a user.
    ///
    /// # Errors
    ///
    /// [`AccountError::InvalidName`], [`AccountError::Exists`].
    pub async fn create_user(&self, name: &str) -> Result<RamUser, AccountError> {
        check_name(name)?;
        let user = RamUser {
            user_name: name.to_owned(),
            user_id: random::digits(18)?,
            display_name: name.to_owned(),
            created_at: self.clock.now_ms(),
        };
        match self.store.insert_user(user.clone()).await? {
            Insertion::Done => Ok(user),
            Insertion::Exists => Err(AccountError::Exists { kind: "user", name: name.to_owned() }),
        }
    }

    /// Lists all users, by name.
    ///
    /// # Errors
    ///
    /// [`AccountError::Store`].
    pub async fn list_users(&self) -> Result<Vec<RamUser>, AccountError> {
        let mut users: Vec<RamUser> = Vec::new();
        loop {
            let after = users.last().map(|user| user.user_name.clone());
            let page = self.store.list_users(after.as_deref(), 500).await?;
            if page.is_empty() {
                return Ok(users);
            }
            users.extend(page);
        }
    }

    /// Deletes a user with its keys and attachments.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    pub async fn delete_user(&self, name: &str) -> Result<(), AccountError> {
        for key in self.store.list_access_keys(Some(name)).await? {
            self.store.delete_access_key(&key.access_key_id).await?;
        }
        for policy in self.store.policies_of(name).await? {
            self.store.detach_policy(name, policy.policy_type, &policy.policy_name).await?;
        }
        match self.store.delete_user(name).await? {
            Deletion::Done => Ok(()),
            Deletion::Missing => Err(not_found("user", name)),
            Deletion::InUse => Err(AccountError::InUse { kind: "user", name: name.to_owned() }),
        }
    }

    /// Lists all keys without their secrets: those of the account first, then user by user.
    ///
    /// # Errors
    ///
    /// [`AccountError::Store`].
    pub async fn list_keys(&self) -> Result<Vec<AccessKeyRow>, AccountError> {
        let mut keys = self.store.list_access_keys(None).await?;
        for user in self.list_users().await? {
            keys.extend(self.store.list_access_keys(Some(&user.user_name)).await?);
        }
        Ok(keys)
    }

    /// Creates an AccessKey for a user, or for the account itself.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`] for an unknown user.
    pub async fn create_key(&self, user: Option<&str>) -> Result<Credentials, AccountError> {
        let access_key_id = format!("LTAI5t{}", random::alphanumeric(18)?);
        let secret = random::alphanumeric(30)?;
        self.insert_key(&access_key_id, &secret, user, None).await?;
        Ok(Credentials { access_key_id, secret: Secret::new(secret), security_token: None })
    }

    /// Creates temporary credentials for a user; returns them with the time they end, in
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`], [`AccountError::InvalidDuration`], [`AccountError::Policy`].
    pub async fn create_session(
        &self,
        user: &str,
        duration_seconds: u32,
        policy: Option<&str>,
    ) -> Result<(Credentials, i64), AccountError> {
        if !SESSION_SECONDS.contains(&duration_seconds) {
            return Err(AccountError::InvalidDuration(duration_seconds));
        }
        if let Some(document) = policy {
            Policy::parse(document)?;
        }
        let access_key_id = format!("STS.NT{}", random::alphanumeric(22)?);
        let secret = random::alphanumeric(44)?;
        let token = format!("{TOKEN_PREFIX}{}", random::alphanumeric(TOKEN_CHARS)?);
        let expires_at = self.clock.now_ms() + i64::from(duration_seconds) * 1_000;
        let session = Session {
            security_token_hash: hash_token(&token),
            policy: policy.map(str::to_owned),
            expires_at,
        };
        self.insert_key(&access_key_id, &secret, Some(user), Some(session)).await?;
        let credentials =
            Credentials { access_key_id, secret: Secret::new(secret), security_token: Some(token) };
        Ok((credentials, expires_at))
    }

    async fn insert_key(
        &self,
        access_key_id: &str,
        secret: &str,
        user: Option<&str>,
        session: Option<Session>,
    ) -> Result<(), AccountError> {
        if let Some(name) = user
            && self.store.find_user(name).await?.is_none()
        {
            return Err(not_found("user", name));
        }
        let key = NewAccessKey {
            access_key_id: access_key_id.to_owned(),
            secret: tallyman_store::secret::Secret::new(secret),
            user_name: user.map(str::to_owned),
            session,
            created_at: self.clock.now_ms(),
        };
        match self.store.insert_access_key(key).await? {
            Insertion::Done => Ok(()),
            Insertion::Exists => {
                Err(AccountError::Exists { kind: "key", name: access_key_id.to_owned() })
            }
        }
    }

    /// Accepts or refuses requests that are signed with a key.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    pub async fn set_key_status(
        &self,
        access_key_id: &str,
        status: AccessKeyStatus,
    ) -> Result<(), AccountError> {
        match self.store.set_access_key_status(access_key_id, status).await? {
            true => Ok(()),
            false => Err(not_found("key", access_key_id)),
        }
    }

    /// Deletes a key.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    pub async fn delete_key(&self, access_key_id: &str) -> Result<(), AccountError> {
        match self.store.delete_access_key(access_key_id).await? {
            true => Ok(()),
            false => Err(not_found("key", access_key_id)),
        }
    }

    /// Creates another key for the owner of a key.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    pub async fn rotate_key(&self, access_key_id: &str) -> Result<Credentials, AccountError> {
        let key = self.store.find_access_key(access_key_id).await?;
        let key = key.ok_or_else(|| not_found("key", access_key_id))?;
        self.create_key(key.row.user_name.as_deref()).await
    }

    /// Creates a custom policy or replaces its document; the document is checked.
    ///
    /// # Errors
    ///
    /// [`AccountError::InvalidName`], [`AccountError::Policy`], [`AccountError::Exists`] for the
    /// name of a system policy.
    pub async fn put_policy(&self, name: &str, document: &str) -> Result<(), AccountError> {
        check_name(name)?;
        if find_system_policy(name).is_some() {
            return Err(AccountError::Exists { kind: "policy", name: name.to_owned() });
        }
        Policy::parse(document)?;
        let now_ms = self.clock.now_ms();
        if self.store.insert_policy(name, document, now_ms).await? == Insertion::Exists {
            self.store.update_policy(name, document, now_ms).await?;
        }
        Ok(())
    }

    /// Returns the document of a policy, system or custom.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`].
    pub async fn get_policy(&self, name: &str) -> Result<String, AccountError> {
        if let Some(policy) = find_system_policy(name) {
            return Ok(policy.document.to_owned());
        }
        let policy = self.store.find_policy(name).await?;
        Ok(policy.ok_or_else(|| not_found("policy", name))?.document)
    }

    /// Deletes a custom policy.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`], [`AccountError::InUse`].
    pub async fn delete_policy(&self, name: &str) -> Result<(), AccountError> {
        match self.store.delete_policy(name).await? {
            Deletion::Done => Ok(()),
            Deletion::Missing => Err(not_found("policy", name)),
            Deletion::InUse => Err(AccountError::InUse { kind: "policy", name: name.to_owned() }),
        }
    }

    /// Lists all policies, system policies first.
    ///
    /// # Errors
    ///
    /// [`AccountError::Store`].
    pub async fn list_policies(&self) -> Result<Vec<PolicyListing>, AccountError> {
        let mut listings = Vec::new();
        for policy in system_policies() {
            listings.push(self.listing(policy.name.to_owned(), PolicyType::System).await?);
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.store.list_policies(after.as_deref(), 500).await?;
            let Some(last) = page.last() else { return Ok(listings) };
            after = Some(last.policy_name.clone());
            for policy in page {
                listings.push(self.listing(policy.policy_name, PolicyType::Custom).await?);
            }
        }
    }

    async fn listing(
        &self,
        policy_name: String,
        policy_type: PolicyType,
    ) -> Result<PolicyListing, AccountError> {
        let users = self.store.users_with_policy(policy_type, &policy_name).await?;
        Ok(PolicyListing { policy_name, policy_type: policy_type.name(), users })
    }

    /// Attaches a policy to a user; attaching it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`] for an unknown user or policy.
    pub async fn attach_policy(&self, user: &str, policy: &str) -> Result<(), AccountError> {
        let policy_type = self.policy_type(policy).await?;
        if self.store.find_user(user).await?.is_none() {
            return Err(not_found("user", user));
        }
        self.store.attach_policy(user, policy_type, policy).await?;
        Ok(())
    }

    /// Detaches a policy from a user.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotFound`] if it is not attached.
    pub async fn detach_policy(&self, user: &str, policy: &str) -> Result<(), AccountError> {
        let policy_type = self.policy_type(policy).await?;
        match self.store.detach_policy(user, policy_type, policy).await? {
            true => Ok(()),
            false => Err(not_found("policy", policy)),
        }
    }

    async fn policy_type(&self, policy: &str) -> Result<PolicyType, AccountError> {
        if find_system_policy(policy).is_some() {
            return Ok(PolicyType::System);
        }
        match self.store.find_policy(policy).await? {
            Some(_) => Ok(PolicyType::Custom),
            None => Err(not_found("policy", policy)),
        }
    }
}

/// Tells whether a text has the form of a security token, whoever's it may be.
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(TOKEN_PREFIX).is_some_and(|rest| {
        rest.len() == TOKEN_CHARS && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Lists the policies that every installation has.
pub fn system_policies() -> impl Iterator<Item = &'static SystemPolicy> {
    SYSTEM_POLICIES.iter().chain([&AGENT_POLICY])
}

/// Finds one of them.
pub fn find_system_policy(name: &str) -> Option<&'static SystemPolicy> {
    system_policies().find(|policy| policy.name == name)
}

fn not_found(kind: &'static str, name: &str) -> AccountError {
    AccountError::NotFound { kind, name: name.to_owned() }
}

fn check_name(name: &str) -> Result<(), AccountError> {
    let good = (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
    if good { Ok(()) } else { Err(AccountError::InvalidName(name.chars().take(80).collect())) }
}
