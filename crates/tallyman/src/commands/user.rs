//! `tallyman user`.

use comfy_table::Cell;
use tallyman_model::clock::format_utc;

use crate::cli::options::OutputFormat;
use crate::cli::user::UserCommand;
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(command: UserCommand) -> anyhow::Result<Exit> {
    match command {
        UserCommand::Create { name, data, format } => {
            let user = setup::accounts(&data).await?.create_user(&name).await?;
            match format.format {
                OutputFormat::Json => output::json(&serde_json::json!({
                    "UserName": user.user_name,
                    "UserId": user.user_id,
                    "CreateDate": format_utc(user.created_at),
                }))?,
                OutputFormat::Table => output::line(&format!(
                    "Created user {name}. Next: tallyman key create --user {name}, \
                     tallyman policy attach AliyunYundunSASReadOnlyAccess --user {name}"
                ))?,
            }
        }
        UserCommand::List { data, format } => {
            let users = setup::accounts(&data).await?.list_users().await?;
            match format.format {
                OutputFormat::Json => {
                    let list: Vec<_> = users
                        .iter()
                        .map(|user| {
                            serde_json::json!({
                                "UserName": user.user_name,
                                "UserId": user.user_id,
                                "CreateDate": format_utc(user.created_at),
                            })
                        })
                        .collect();
                    output::json(&list)?;
                }
                OutputFormat::Table => {
                    let mut table = output::table(&["User", "Id", "Created"]);
                    for user in users {
                        let created = format_utc(user.created_at);
                        table.add_row([user.user_name, user.user_id, created].map(Cell::new));
                    }
                    output::line(&table.to_string())?;
                }
            }
        }
        UserCommand::Delete { name, data } => {
            setup::accounts(&data).await?.delete_user(&name).await?;
            output::line(&format!("Deleted user {name} and its keys."))?;
        }
    }
    Ok(Exit::Clean)
}
