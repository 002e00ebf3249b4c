//! Log Analytics queries. *Nothing found* is only what the service said so: 204, an empty answer and an answer with an
//! error beside its tables are not (Azure Monitor Log Analytics API, *Errors*).

use serde_json::{Map, Value, json};

use super::{Entra, Request, json as parsed};
use crate::{
    Error,
    error::{line, told},
};

/// The rows of a query, by column name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// One object a row.
    pub rows: Vec<Map<String, Value>>,
}

impl Entra {
    /// Asks a workspace, by its customer id.
    ///
    /// # Errors
    /// What the service refused; an answer that is not whole; a workspace that never received data.
    pub async fn query(&self, workspace: &str, kql: &str, timespan: &str) -> Result<Rows, Error> {
        let request = Request::logs(
            format!("v1/workspaces/{workspace}/query"),
            json!({"query": kql, "timespan": timespan}),
        )
        // The service would go on for three minutes, longer than we listen.
        .header("Prefer", "wait=90");
        let call = request.call();
        let unusable = |why: String| Error::Unusable {
            call: call.clone(),
            why,
        };
        let url = self.address(&request)?;
        let answer = self.answer(&request, url).await?;
        if answer.status == 204 {
            return Err(unusable(
                "the workspace never received any data (204): check that the diagnostic settings send to it"
                    .to_owned(),
            ));
        }
        let body = parsed(&call, &answer)?;
        if body.get("error").is_some_and(|error| !error.is_null()) {
            let told = told(&body);
            return Err(unusable(line(&format!(
                "it is not whole ({}: {}); ask for less at once, or run it again later",
                told.code,
                told.message.trim_end_matches('.')
            ))));
        }
        let table = body
            .pointer("/tables/0")
            .ok_or_else(|| unusable("it holds no table".to_owned()))?;
        let list = |key: &str| table.get(key).and_then(Value::as_array);
        let (Some(columns), Some(rows)) = (list("columns"), list("rows")) else {
            return Err(unusable("its table has no columns or rows".to_owned()));
        };
        let names: Vec<&str> = columns
            .iter()
            .map(|column| column.get("name").and_then(Value::as_str))
            .collect::<Option<_>>()
            .ok_or_else(|| unusable("a column of its table has no name".to_owned()))?;
        let rows = rows
            .iter()
            .map(|row| {
                let cells = row.as_array().filter(|cells| cells.len() == names.len())?;
                let pairs = names.iter().zip(cells);
                Some(
                    pairs
                        .map(|(name, value)| ((*name).to_owned(), value.clone()))
                        .collect(),
                )
            })
            .collect::<Option<_>>()
            .ok_or_else(|| unusable("a row of its table does not fit the columns".to_owned()))?;
        Ok(Rows { rows })
    }
}
