//! `tallyman policy`.

use std::fs;

use anyhow::Context;
use comfy_table::Cell;

use crate::cli::options::OutputFormat;
use crate::cli::policy::{Attachment, PolicyCommand};
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;

pub(super) async fn run(command: PolicyCommand) -> anyhow::Result<Exit> {
    match command {
        PolicyCommand::Create { name, document, data } => {
            let text = fs::read_to_string(&document)
                .with_context(|| format!("reading the policy in {}", document.display()))?;
            let accounts = setup::accounts(&data).await?;
            accounts
                .put_policy(&name, &text)
                .await
                .with_context(|| format!("storing the policy in {}", document.display()))?;
            output::line(&format!("Stored policy {name}."))?;
        }
        PolicyCommand::List { data, format } => {
            let policies = setup::accounts(&data).await?.list_policies().await?;
            match format.format {
                OutputFormat::Json => output::json(&policies)?,
                OutputFormat::Table => {
                    let mut table = output::table(&["Policy", "Type", "Attached to"]);
                    for policy in policies {
                        let users = policy.users.join(", ");
                        table.add_row([
                            Cell::new(policy.policy_name),
                            Cell::new(policy.policy_type),
                            Cell::new(users),
                        ]);
                    }
                    output::line(&table.to_string())?;
                }
            }
        }
        PolicyCommand::Show { name, data } => {
            let document = setup::accounts(&data).await?.get_policy(&name).await?;
            output::line(&document)?;
        }
        PolicyCommand::Delete { name, data } => {
            setup::accounts(&data).await?.delete_policy(&name).await?;
            output::line(&format!("Deleted policy {name}."))?;
        }
        PolicyCommand::Attach(attachment) => {
            check_kind(&attachment)?;
            let accounts = setup::accounts(&attachment.data).await?;
            accounts.attach_policy(&attachment.user, &attachment.policy).await?;
            output::line(&format!("{} has {} now.", attachment.user, attachment.policy))?;
        }
        PolicyCommand::Detach(attachment) => {
            check_kind(&attachment)?;
            let accounts = setup::accounts(&attachment.data).await?;
            accounts.detach_policy(&attachment.user, &attachment.policy).await?;
            output::line(&format!("{} has {} no more.", attachment.user, attachment.policy))?;
        }
    }
    Ok(Exit::Clean)
}

/// `--system` only confirms what the name says.
fn check_kind(attachment: &Attachment) -> Result<(), UsageError> {
    let is_system = tallyman_engine::accounts::find_system_policy(&attachment.policy).is_some();
    if attachment.system && !is_system {
        let text = format!(
            "there is no system policy `{}`; `tallyman policy list` shows them",
            attachment.policy
        );
        return Err(UsageError(text));
    }
    Ok(())
}
