//! Paging as the API's lists do it: by page number, or by an opaque token.

use tallyman_acs::error::{ApiError, catalogue};
use tallyman_acs::parameters::Parameters;

/// The largest page.
const MAX_PAGE_SIZE: u32 = 1_000;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By number, counted from 1.
    Page {
        /// The page.
        current_page: u32,
        /// The entries of a page.
        page_size: u32,
    },
    /// From the entry after the token on; the first call has none.
    Token {
        /// The token of the answer before.
        next_token: Option<String>,
        /// The entries of an answer.
        page_size: u32,
    },
}

impl Paging {
    /// Reads `CurrentPage`, `PageSize`, `UseNextToken` and `NextToken`.
    pub(crate) fn parse(parameters: &Parameters, default_size: u32) -> Result<Self, ApiError> {
        let page_size = positive(parameters, "PageSize")?.unwrap_or(default_size);
        if page_size > MAX_PAGE_SIZE {
            return Err(catalogue::invalid_parameter("PageSize"));
        }
        let next_token = parameters.find_string("NextToken").map(str::to_owned);
        if parameters.find_bool("UseNextToken")? == Some(true) || next_token.is_some() {
            return Ok(Paging::Token { next_token, page_size });
        }
        let current_page = positive(parameters, "CurrentPage")?.unwrap_or(1);
        Ok(Paging::Page { current_page, page_size })
    }
}

fn positive(parameters: &Parameters, name: &str) -> Result<Option<u32>, ApiError> {
    match parameters.find_i32(name)? {
        None => Ok(None),
        Some(number) => match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(catalogue::invalid_parameter(name)),
        },
    }
}
