//! Webhooks: who is told what changed, and telling them.
//!
//! A message may arrive more than once and always has the same id then. What is told of one
//! revision comes in pages, one after the other; a page that was taken is not sent again, unless
//! the process dies before that is written down.

use std::str::FromStr;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tallyman_model::clock::format_utc;
use tallyman_source::error::SourceError;
use tallyman_source::webhook::{
    GONE, WebhookAddress, WebhookClient, WebhookMessage, WebhookSecret,
};
use tallyman_store::changes::{ChangeCursor, Direction, RiskChange};
use tallyman_store::error::StoreError;
use tallyman_store::ids::ImageId;
use tallyman_store::secret::Secret;
use tallyman_store::store::Store;
use tallyman_store::webhooks::{Delivery, NewWebhook, WebhookRow, WebhookSecrets};

use crate::changes::ChangedImage;

/// How many images one message is about.
const PAGE: u32 = 200;
/// The longest that a receiver is left alone because it asked for it.
const LONGEST_PAUSE_MS: i64 = 24 * 60 * 60 * 1_000;

/// What a webhook can ask to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A vulnerability came, or the image cannot be judged any more.
    Worse,
    /// A vulnerability went, or the image can be judged now.
    Better,
}

/// All events.
pub const EVENTS: [Event; 2] = [Event::Worse, Event::Better];

impl Event {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Event::Worse => "image.worse",
            Event::Better => "image.better",
        }
    }

    /// What went both ways is both.
    fn is_of(self, change: &RiskChange) -> bool {
        match (self, change.direction) {
            (_, Direction::Both)
            | (Event::Worse, Direction::Worse)
            | (Event::Better, Direction::Better) => true,
            (Event::Worse, Direction::Better) | (Event::Better, Direction::Worse) => false,
        }
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = EVENTS.into_iter().find(|event| event.name() == text);
        found.ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

/// There is no such event.
#[derive(Debug, thiserror::Error)]
#[error("there is no event `{0}`: expected image.worse or image.better")]
pub struct UnknownEvent(String);

/// Why a webhook could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such webhook.
    #[error("there is no webhook `{0}`; `tallyman webhook list` shows what there is")]
    NotFound(String),
    /// It wanted nothing more.
    #[error(
        "the webhook `{0}` is disabled, for it answered 410 (Gone); `tallyman webhook enable {0}` \
         tells it what changes again"
    )]
    Disabled(String),
    /// It asked to be left alone.
    #[error("the webhook `{webhook_id}` asked to be left alone for now")]
    Paused {
        /// The webhook.
        webhook_id: String,
        /// Until when.
        until: i64,
    },
    /// The system gives no random bytes.
    #[error("make a secret: the system gives no random bytes")]
    NoRandomness,
    /// The address cannot be used, or the message was not taken.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error("use the store")]
    Store(#[from] StoreError),
    /// A message could not be written.
    #[error("write the message")]
    Message(#[from] serde_json::Error),
}

impl WebhookError {
    /// Tells whether it makes no sense to try again.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            // "Gone": the receiver wants no more (Standard Webhooks, "Deliverability").
            WebhookError::Source(SourceError::Refused { status, .. }) => *status == GONE,
            WebhookError::Source(
                SourceError::ForbiddenAddress { .. } | SourceError::Malformed { .. },
            )
            | WebhookError::NotFound(_)
            | WebhookError::Disabled(_)
            | WebhookError::Message(_) => true,
            WebhookError::Source(_)
            | WebhookError::Paused { .. }
            | WebhookError::NoRandomness
            | WebhookError::Store(_) => false,
        }
    }

    /// Returns before which time nothing is to be sent, where the receiver said so.
    pub(crate) fn not_before(&self, now_ms: i64) -> Option<i64> {
        match self {
            WebhookError::Paused { until, .. } => Some(*until),
            WebhookError::Source(SourceError::Transient { retry_after: Some(wait), .. }) => {
                let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                Some(now_ms.saturating_add(wait.min(LONGEST_PAUSE_MS)))
            }
            WebhookError::Source(_)
            | WebhookError::NotFound(_)
            | WebhookError::Disabled(_)
            | WebhookError::NoRandomness
            | WebhookError::Store(_)
            | WebhookError::Message(_) => None,
        }
    }
}

/// Adds a webhook; returns its id and the secret that its messages are signed with.
///
/// # Errors
///
/// A [`WebhookError`].
pub async fn add(
    store: &Store,
    url: &str,
    events: &[Event],
    now_ms: i64,
) -> Result<(String, Secret), WebhookError> {
    let address = WebhookAddress::parse(url)?;
    let secret = new_secret()?;
    let webhook_id = format!("wh-{}", uuid::Uuid::new_v4().simple());
    let webhook = NewWebhook {
        webhook_id: webhook_id.clone(),
        url: address.as_str().to_owned(),
        events: events.iter().map(|event| event.name().to_owned()).collect(),
        secret: secret.clone(),
        created_at: now_ms,
    };
    store.insert_webhook(webhook).await?;
    Ok((webhook_id, secret))
}

fn new_secret() -> Result<Secret, WebhookError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| WebhookError::NoRandomness)?;
    Ok(Secret::new(WebhookSecret::new(bytes).expose()))
}

/// Gives a webhook another secret, and returns it. Messages are signed with the present one as well
/// until a time.
///
/// # Errors
///
/// A [`WebhookError`].
pub async fn rotate(
    store: &Store,
    webhook_id: &str,
    old_until: i64,
) -> Result<Secret, WebhookError> {
    let secret = new_secret()?;
    match store.rotate_webhook_secret(webhook_id, &secret, old_until).await? {
        true => Ok(secret),
        false => Err(WebhookError::NotFound(webhook_id.to_owned())),
    }
}

/// Queues what was given up for a webhook again; returns how many deliveries.
///
/// # Errors
///
/// A [`WebhookError`]: nothing is sent to a webhook that is disabled.
pub async fn retry(store: &Store, webhook_id: &str, now_ms: i64) -> Result<usize, WebhookError> {
    let found = store.find_webhook(webhook_id).await?;
    let (row, _) = found.ok_or_else(|| WebhookError::NotFound(webhook_id.to_owned()))?;
    match row.disabled_at {
        Some(_) => Err(WebhookError::Disabled(row.webhook_id)),
        None => Ok(store.revive_deliveries(webhook_id, now_ms).await?),
    }
}

/// Sends a message that says nothing; returns when it was taken.
///
/// # Errors
///
/// A [`WebhookError`].
pub async fn test(
    store: &Store,
    client: &WebhookClient,
    webhook_id: &str,
    now_ms: i64,
) -> Result<(), WebhookError> {
    let found = store.find_webhook(webhook_id).await?;
    let (row, secrets) = found.ok_or_else(|| WebhookError::NotFound(webhook_id.to_owned()))?;
    let data = json!({ "webhook_id": webhook_id });
    let id = format!("{webhook_id}.test.{now_ms}");
    send(store, client, (&row, &secrets), &id, message("webhook.test", now_ms, data), now_ms).await
}

fn message(kind: &str, at_ms: i64, data: Value) -> Value {
    json!({ "type": kind, "timestamp": format_utc(at_ms), "data": data })
}

async fn send(
    store: &Store,
    client: &WebhookClient,
    (row, secrets): (&WebhookRow, &WebhookSecrets),
    id: &str,
    message: Value,
    now_ms: i64,
) -> Result<(), WebhookError> {
    let body = serde_json::to_vec(&message)?;
    let address = WebhookAddress::parse(&row.url)?;
    let is_kept = row.old_secret_until.is_some_and(|until| now_ms < until);
    let signing = [Some(&secrets.current), secrets.old.as_ref().filter(|_| is_kept)];
    let signing: Vec<WebhookSecret> = signing
        .into_iter()
        .flatten()
        .map(|secret| WebhookSecret::parse(secret.expose()))
        .collect::<Result<_, _>>()?;
    let message = WebhookMessage { id, sent_at: now_ms.div_euclid(1_000), body: &body };
    let sent = client.send(&address, &signing, &message).await;
    let error = sent.as_ref().err().map(ToString::to_string);
    store.record_delivery(&row.webhook_id, error.as_deref(), now_ms).await?;
    let error = match sent {
        Ok(()) => return Ok(()),
        Err(error) => WebhookError::from(error),
    };
    if let WebhookError::Source(SourceError::Refused { status: GONE, .. }) = &error {
        store.disable_webhook(&row.webhook_id, now_ms).await?;
    }
    if let Some(until) = error.not_before(now_ms) {
        store.pause_webhook(&row.webhook_id, until).await?;
    }
    Err(error)
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryProgress {
    page: u32,
    sequence: i64,
    image_id: ImageId,
}

impl DeliveryProgress {
    /// Nothing was sent yet.
    pub(crate) fn start(delivery: &Delivery) -> Self {
        DeliveryProgress {
            page: 0,
            sequence: delivery.after_sequence,
            // The images of the change itself come after all others of its number.
            image_id: ImageId(i64::MAX),
        }
    }
}

/// Sends the next page of a delivery; returns how far it is then, `None` at the end.
pub(crate) async fn deliver_page(
    store: &Store,
    client: &WebhookClient,
    delivery: &Delivery,
    progress: DeliveryProgress,
    now_ms: i64,
) -> Result<Option<DeliveryProgress>, WebhookError> {
    // Whoever deleted the webhook wants nothing more of it.
    let Some((row, secrets)) = store.find_webhook(&delivery.webhook_id).await? else {
        return Ok(None);
    };
    if row.disabled_at.is_some() {
        return Err(WebhookError::Disabled(row.webhook_id));
    }
    if let Some(until) = row.paused_until.filter(|until| now_ms < *until) {
        return Err(WebhookError::Paused { webhook_id: row.webhook_id, until });
    }
    let after = ChangeCursor { sequence: progress.sequence, image_id: progress.image_id };
    let changes = store.list_risk_changes_between(after, delivery.through_sequence, PAGE).await?;
    let Some(last) = changes.last() else { return Ok(None) };
    let page = progress.page + 1;
    let wanted: Vec<&RiskChange> = changes.iter().filter(|it| is_wanted(&row, it)).collect();
    if let Some(first) = wanted.first() {
        let images: Vec<ChangedImage> = wanted.iter().map(|it| ChangedImage::of(it)).collect();
        let data = json!({
            "revision": first.revision,
            "revision_number": delivery.revision_number,
            "page": page,
            "images": images,
        });
        let Delivery { webhook_id, revision_number, through_sequence, .. } = delivery;
        let id = format!("{webhook_id}.{revision_number}.{through_sequence}.{page}");
        let message = message("images.changed", first.changed_at, data);
        send(store, client, (&row, &secrets), &id, message, now_ms).await?;
    }
    let ChangeCursor { sequence, image_id } = last.cursor();
    Ok(Some(DeliveryProgress { page, sequence, image_id }))
}

fn is_wanted(row: &WebhookRow, change: &RiskChange) -> bool {
    let mut events = row.events.iter().filter_map(|name| name.parse::<Event>().ok());
    row.events.is_empty() || events.any(|event| event.is_of(change))
}
