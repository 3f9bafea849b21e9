//! The command line of Tallyman: the only place that prints, exits and reads the environment.

mod cli;
mod commands;
mod exit;
mod output;
mod paths;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Cli;
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = start_log(&cli) {
        output::note(&format!("error: {error:#}"));
        return Exit::Usage.into();
    }
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            Exit::of(&error).into()
        }
    }
}

fn start_log(cli: &Cli) -> anyhow::Result<()> {
    let filter: Targets = cli
        .log
        .parse()
        .map_err(|error| anyhow::anyhow!("`--log {}` is no log level: {error}", cli.log))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if cli.log_json {
        lines.json().boxed()
    } else {
        lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed()
    };
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(())
}
