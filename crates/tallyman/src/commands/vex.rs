//! `tallyman vex`: the VEX documents of an installation.

use anyhow::Context;
use comfy_table::Cell;
use serde_json::json;
use tallyman_engine::suppressions::{import_vex, remove_vex};
use tallyman_engine::vex_files::read_vex;
use tallyman_model::clock::format_utc;
use tallyman_store::suppressions::StoredVex;

use crate::cli::options::OutputFormat;
use crate::cli::vex::VexCommand;
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(command: VexCommand) -> anyhow::Result<Exit> {
    match command {
        VexCommand::Import { paths, limits, data } => {
            let limits = setup::limits(&limits)?;
            let read = read_vex(paths, &limits).await.context("importing VEX documents")?;
            let installation = setup::open(&data.directory()?, limits).await?;
            let (origins, documents): (Vec<_>, Vec<_>) = read.into_iter().unzip();
            let facts: Vec<_> = documents
                .iter()
                .map(|it| (it.id.clone(), it.statements.len(), it.left_out.clone()))
                .collect();
            let stored = import_vex(&installation, documents).await?;
            for ((origin, (id, statements, left_out)), stored) in
                origins.iter().zip(facts).zip(stored)
            {
                let what = match stored {
                    StoredVex::New => "new",
                    StoredVex::Replaced => "replaces an older one",
                    StoredVex::Unchanged => "known already",
                    StoredVex::Older => "left out: a newer one is there",
                };
                output::line(&format!("{origin}: {id}, {statements} statements, {what}"))?;
                for note in left_out {
                    output::note(&format!("note: {origin}: left out: {note}"));
                }
            }
            Ok(Exit::Clean)
        }
        VexCommand::List { data, format } => {
            let installation = setup::installation(&data).await?;
            let rows = installation.store().list_vex_documents().await?;
            match format.format {
                OutputFormat::Json => {
                    let rows: Vec<_> = rows
                        .iter()
                        .map(|row| {
                            json!({
                                "document": row.document_id,
                                "format": row.format,
                                "author": row.author,
                                "updated": row.updated_at.map(format_utc),
                                "imported": format_utc(row.imported_at),
                                "statements": row.statements,
                            })
                        })
                        .collect();
                    output::json(&rows)?;
                }
                OutputFormat::Table => {
                    let mut table =
                        output::table(&["Document", "Format", "Author", "Updated", "Statements"]);
                    for row in rows {
                        let updated = row.updated_at.map(format_utc).unwrap_or_default();
                        table.add_row([
                            Cell::new(row.document_id),
                            Cell::new(row.format),
                            Cell::new(row.author),
                            Cell::new(updated),
                            Cell::new(row.statements),
                        ]);
                    }
                    output::line(&table.to_string())?;
                }
            }
            Ok(Exit::Clean)
        }
        VexCommand::Remove { document, data } => {
            let installation = setup::installation(&data).await?;
            match remove_vex(&installation, &document).await? {
                true => Ok(Exit::Clean),
                false => anyhow::bail!("there is no VEX document `{document}`"),
            }
        }
    }
}
