//! `tallyman ignore`: the ignore rules of an installation.

use comfy_table::Cell;
use tallyman_engine::report::ReportRule;
use tallyman_engine::suppressions::{add_rule, remove_rule};
use tallyman_match::vex::ignore_file::parse_date;
use tallyman_model::clock::format_utc;
use tallyman_model::ignore::IgnoreRule;

use crate::cli::ignore::{IgnoreAdd, IgnoreCommand};
use crate::cli::options::OutputFormat;
use crate::commands::setup;
use crate::exit::{Exit, UsageError};
use crate::output;

pub(super) async fn run(command: IgnoreCommand) -> anyhow::Result<Exit> {
    match command {
        IgnoreCommand::Add(args) => add(*args).await,
        IgnoreCommand::List { data, format } => {
            let installation = setup::installation(&data).await?;
            let rules = installation.store().list_ignore_rules().await?;
            let now_ms = installation.clock().now_ms();
            match format.format {
                OutputFormat::Json => output::json(&rules)?,
                OutputFormat::Table => output::line(&table(&rules, now_ms))?,
            }
            Ok(Exit::Clean)
        }
        IgnoreCommand::Remove { rule, data } => {
            let installation = setup::installation(&data).await?;
            match remove_rule(&installation, &rule).await? {
                true => Ok(Exit::Clean),
                false => anyhow::bail!("there is no ignore rule `{rule}`"),
            }
        }
    }
}

async fn add(args: IgnoreAdd) -> anyhow::Result<Exit> {
    let expires_ms = match args.expires {
        Some(text) => Some(parse_date(&text, true).ok_or_else(|| {
            UsageError(format!("`{text}` is no date such as 2027-01-31 or 2027-01-31T12:00:00Z"))
        })?),
        None => None,
    };
    let rule = IgnoreRule {
        id: args.id,
        vulnerabilities: args.vulnerability,
        package: args.package,
        path: args.path,
        image: args.image,
        server: args.server,
        reason: args.reason,
        author: args.author,
        created_ms: None,
        expires_ms,
    };
    rule.check().map_err(|error| UsageError(error.to_string()))?;
    let installation = setup::installation(&args.data).await?;
    let (id, about) = (rule.id.clone(), rule.describe());
    if !add_rule(&installation, rule).await? {
        anyhow::bail!("there is an ignore rule `{id}` already; remove it first");
    }
    output::line(&format!("{id}: ignores {about}"))?;
    Ok(Exit::Clean)
}

fn table(rules: &[IgnoreRule], now_ms: i64) -> String {
    let mut table = output::table(&["Rule", "Ignores", "Reason", "Author", "Created", "Expires"]);
    for rule in rules {
        let shown = ReportRule::of(rule);
        let expires = match (shown.expires, rule.is_expired(now_ms)) {
            (Some(expires), true) => format!("{expires} (expired)"),
            (Some(expires), false) => expires,
            (None, _) => "never".to_owned(),
        };
        table.add_row([
            Cell::new(shown.id),
            Cell::new(shown.about),
            Cell::new(shown.reason),
            Cell::new(shown.author),
            Cell::new(rule.created_ms.map(format_utc).unwrap_or_default()),
            Cell::new(expires),
        ]);
    }
    table.to_string()
}
