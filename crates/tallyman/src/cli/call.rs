//! The options of `tallyman call`.

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
#[command(after_help = "Example: tallyman call DescribeImageInfoList --data target/demo \
--Uuids 391abd09-184c-bd37-43d7-f5ec125d0001")]
pub(crate) struct Call {
    /// The action, such as DescribeImageInfoList.
    pub(crate) action: String,
    /// The action's parameters, as --Name value.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PARAMETERS")]
    pub(crate) parameters: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallFormat {
    /// JSON.
    #[default]
    Json,
    /// XML.
    Xml,
}
