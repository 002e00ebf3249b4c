//! Log Analytics queries. *Nothing found* is only what the service said so: 204, an empty answer and an answer with an
//! error beside its tables are not (Azure Monitor Log Analytics API, *Errors*).

use serde_json::{Map, Value, json};

use super::{Entra, Request, json as parsed};
use crate::{Error, error::told};

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
        );
        let call = request.call();
        let unusable = |why: String| Error::Unusable {
            call: call.clone(),
            why,
        };
        let url = self.address(&request)?;
        let answer = self.answer(&request, url).await?;
        if answer.status == 204 {
            return Err(unusable(
                "the workspace never received any data (204)".to_owned(),
            ));
        }
        let body = parsed(&call, &answer)?;
        if body.get("error").is_some() {
            let (code, message) = told(&body);
            return Err(unusable(format!("it is not whole: {code} {message}")));
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
            .filter_map(|column| column.get("name")?.as_str())
            .collect();
        let rows = rows
            .iter()
            .filter_map(Value::as_array)
            .map(|row| {
                names
                    .iter()
                    .zip(row)
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect()
            })
            .collect();
        Ok(Rows { rows })
    }
}
