//! `GET /api/v1/days/{date}`: everyone's day, as JSON or CSV.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Api;
use super::gate::Denied;
use super::schema::{DaySchema, ErrorBody};
use crate::domain::time::WorkDate;
use crate::office::day::{DayError, day_sheet};
use crate::office::export;
use crate::office::http::{Peer, Refusal};
use crate::office::store::Scope;

/// How a sheet is given.
enum Form {
    Json,
    Csv,
}

/// Everyone's results of a civil day as they stand now, computed at each request. While `incomplete` names terminals, results may still change.
#[utoipa::path(
    get,
    path = "/api/v1/days/{date}",
    params(("date" = String, Path, description = "2026-11-23 or 2026-11-23.json for JSON, 2026-11-23.csv for CSV (UTF-8 with a byte order mark)")),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "The day", content((DaySchema = "application/json"), (String = "text/csv"))),
        (status = 400, description = "The date is none", body = ErrorBody),
        (status = 401, description = "No token, or one that is not in force", body = ErrorBody),
        (status = 403, description = "The token does not allow this", body = ErrorBody),
        (status = 429, description = "Asked too often; see Retry-After", body = ErrorBody)
    )
)]
pub(super) async fn day(
    State(api): State<Api>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Path(asked): Path<String>,
) -> Result<Response, Denied> {
    let site = api.admit(&headers, peer.ip(), Scope::Read).await?;
    let (date, form) = read(&asked).ok_or_else(|| {
        let hint = "write 2026-11-23, 2026-11-23.json or 2026-11-23.csv";
        Refusal::new(StatusCode::BAD_REQUEST, "date-wrong", "the address names no date", hint)
    })?;
    let sheet = day_sheet(&api.0.store, site, date, api.0.clock.wall()).await.map_err(|error| match error {
        DayError::Store(error) => Refusal::from(error),
        DayError::NoRules => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), error.to_string(), error.hint()),
    })?;
    Ok(match form {
        Form::Json => Json(sheet).into_response(),
        Form::Csv => {
            let name = format!("attachment; filename=\"{date}.csv\"");
            let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
            (headers, export::day::csv(&sheet)).into_response()
        }
    })
}

fn read(asked: &str) -> Option<(WorkDate, Form)> {
    let (date, form) = match asked.split_once('.') {
        None | Some((_, "json")) => (asked.trim_end_matches(".json"), Form::Json),
        Some((date, "csv")) => (date, Form::Csv),
        Some(_) => return None,
    };
    let written = date.len() == "2026-11-23".len();
    date.parse().ok().filter(|_| written).map(|date| (date, form))
}
