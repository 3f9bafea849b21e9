//! What can go wrong with the database.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ids::ImageId;

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory could not be made or read.
    #[error("use the file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a database that this program made.
    #[error("open {}: it is not a Tallyman database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer program has changed the database in a way that this one does not know.
    #[error(
        "open {}: its schema has version {found} and this program knows versions up to {known}; \
         use the newer program, or restore a backup",
        path.display()
    )]
    NewerDatabase {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The database refused a statement.
    #[error("run a statement on the database")]
    Database(#[from] rusqlite::Error),
    /// A column holds a value of another type than its own.
    #[error("read a column of the database")]
    Column(#[from] rusqlite::types::FromSqlError),
    /// The transaction could not be committed; nothing of it was kept.
    #[error("commit to the database")]
    Commit(#[source] Arc<rusqlite::Error>),
    /// The writer is gone.
    #[error("write to the database: its writer has stopped")]
    Closed,
    /// A stored value could not be read.
    #[error("read {what} from the database: {reason}")]
    Corrupt {
        /// The column.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// A value could not be written as JSON.
    #[error("write a value as JSON")]
    Encode(#[from] serde_json::Error),
    /// A value could not be compressed.
    #[error("compress a value")]
    Compress(#[source] std::io::Error),
    /// Two different things have the same identifier.
    #[error("store {what} {id}: something else already has this identifier")]
    Collision {
        /// The kind of thing.
        what: &'static str,
        /// The identifier.
        id: i64,
    },
    /// A report names an image that was not stored first.
    #[error("store a report: image {0} is not known")]
    UnknownImage(ImageId),
    /// Something names a user who does not exist.
    #[error("use the user `{0}`: there is no such user")]
    UnknownUser(String),
    /// Something names a policy that does not exist.
    #[error("use the policy `{0}`: there is no such policy")]
    UnknownPolicy(String),
    /// The findings were made with another advisory revision than the current one.
    #[error("store findings of advisory revision `{given}`: the current one is `{current}`")]
    OutdatedRevision {
        /// The revision of the findings.
        given: String,
        /// The current revision, empty where none was set.
        current: String,
    },
    /// The lease of the job is over: another worker has it, or it is done.
    #[error("finish the job {job_id}: its lease is over")]
    LeaseLost {
        /// The job.
        job_id: String,
    },
    /// A secret could not be sealed or opened.
    #[error("use the secret of the webhook `{webhook_id}`: {reason}")]
    SealedWebhook {
        /// The webhook.
        webhook_id: String,
        /// What was wrong.
        reason: &'static str,
    },
    /// A secret could not be sealed or opened.
    #[error("use the secret of the access key `{access_key_id}`: {reason}")]
    Sealed {
        /// The access key.
        access_key_id: String,
        /// What was wrong.
        reason: &'static str,
    },
}
