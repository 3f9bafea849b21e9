//! `tallyman key`.

use std::fs;

use anyhow::Context;
use comfy_table::Cell;
use serde::Serialize;
use tallyman_model::clock::format_utc;
use tallyman_store::access_keys::{AccessKeyRow, AccessKeyStatus};

use crate::cli::key::{KeyCommand, KeyId};
use crate::cli::options::{DataArgs, OutputFormat};
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(command: KeyCommand) -> anyhow::Result<Exit> {
    match command {
        KeyCommand::Create { user, root: _, data, format } => {
            let credentials = setup::accounts(&data).await?.create_key(user.as_deref()).await?;
            setup::show_credentials(&credentials, None, format.format)?;
        }
        KeyCommand::Session { user, duration, policy, data, format } => {
            let policy = match policy {
                Some(path) => Some(
                    fs::read_to_string(&path)
                        .with_context(|| format!("reading the policy in {}", path.display()))?,
                ),
                None => None,
            };
            let accounts = setup::accounts(&data).await?;
            let (credentials, expires_at) =
                accounts.create_session(&user, duration, policy.as_deref()).await?;
            setup::show_credentials(&credentials, Some(format_utc(expires_at)), format.format)?;
        }
        KeyCommand::List { data, format } => list(&data, format.format).await?,
        KeyCommand::Disable(key) => set_status(key, AccessKeyStatus::Inactive).await?,
        KeyCommand::Enable(key) => set_status(key, AccessKeyStatus::Active).await?,
        KeyCommand::Delete(KeyId { id, data }) => {
            setup::accounts(&data).await?.delete_key(&id).await?;
            output::line(&format!("Deleted key {id}."))?;
        }
        KeyCommand::Rotate { key: KeyId { id, data }, format } => {
            let credentials = setup::accounts(&data).await?.rotate_key(&id).await?;
            setup::show_credentials(&credentials, None, format.format)?;
            output::note(&format!(
                "Both keys work. When nothing uses the old one any more: tallyman key delete {id}"
            ));
        }
    }
    Ok(Exit::Clean)
}

async fn set_status(key: KeyId, status: AccessKeyStatus) -> anyhow::Result<()> {
    setup::accounts(&key.data).await?.set_key_status(&key.id, status).await?;
    output::line(&format!("Key {} is {} now.", key.id, status.name()))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    access_key_id: String,
    user_name: Option<String>,
    status: &'static str,
    create_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

impl Listed {
    fn of(row: AccessKeyRow) -> Self {
        Listed {
            access_key_id: row.access_key_id,
            user_name: row.user_name,
            status: row.status.name(),
            create_date: format_utc(row.created_at),
            expiration: row.session.map(|session| format_utc(session.expires_at)),
        }
    }
}

async fn list(data: &DataArgs, format: OutputFormat) -> anyhow::Result<()> {
    let keys = setup::accounts(data).await?.list_keys().await?;
    let keys: Vec<Listed> = keys.into_iter().map(Listed::of).collect();
    match format {
        OutputFormat::Json => output::json(&keys),
        OutputFormat::Table => {
            let mut table = output::table(&["AccessKeyId", "User", "Status", "Created", "Expires"]);
            for key in keys {
                table.add_row([
                    Cell::new(key.access_key_id),
                    Cell::new(key.user_name.as_deref().unwrap_or("(account)")),
                    Cell::new(key.status),
                    Cell::new(key.create_date),
                    Cell::new(key.expiration.as_deref().unwrap_or("never")),
                ]);
            }
            output::line(&table.to_string())
        }
    }
}
