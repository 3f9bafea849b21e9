//! `tallyman jobs`.

use comfy_table::Cell;
use serde::Serialize;
use tallyman_model::clock::{Clock, SystemClock, format_utc};
use tallyman_store::jobs::{JobFilter, JobRow, JobState};

use crate::cli::jobs::Jobs;
use crate::cli::options::OutputFormat;
use crate::commands::setup;
use crate::exit::Exit;
use crate::output;

#[derive(Serialize)]
struct Listed {
    kind: String,
    key: String,
    state: &'static str,
    attempt: u32,
    max_attempts: u32,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl Listed {
    fn of(row: JobRow) -> Self {
        Listed {
            kind: row.kind,
            key: row.job_key,
            state: row.state.name(),
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            created: format_utc(row.created_at),
            last_error: row.last_error,
        }
    }
}

pub(super) async fn run(args: Jobs) -> anyhow::Result<Exit> {
    let store = setup::store(&args.data)?;
    let mut rows: Vec<JobRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.job_id.as_str());
        let page = store.list_jobs(&JobFilter::default(), after, 500).await?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    if args.retry_dead {
        for row in rows.iter().filter(|row| row.state == JobState::Dead) {
            store.revive_job(&row.job_id, SystemClock.now_ms()).await?;
            output::note(&format!("queued {} {} again", row.kind, row.job_key));
        }
    }
    let jobs: Vec<Listed> = rows.into_iter().map(Listed::of).collect();
    match args.format.format {
        OutputFormat::Json => output::json(&jobs)?,
        OutputFormat::Table => {
            let mut table = output::table(&["Kind", "Key", "State", "Attempt", "Last error"]);
            for job in jobs {
                table.add_row([
                    Cell::new(job.kind),
                    Cell::new(job.key),
                    Cell::new(job.state),
                    Cell::new(format!("{} of {}", job.attempt, job.max_attempts)),
                    Cell::new(job.last_error.unwrap_or_default()),
                ]);
            }
            output::line(&table.to_string())?;
        }
    }
    Ok(Exit::Clean)
}
