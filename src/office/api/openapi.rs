//! `GET /api/v1/openapi.json`.

use axum::Json;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{days, punches};

/// The whole interface.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "punch-office",
        version = "1",
        description = "Attendance punches and day sheets / 考勤打卡与当日考勤",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(punches::list, days::day),
    modifiers(&BearerToken)
)]
pub(super) struct Interface;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("punch-office token add NAME --scope read")).build();
        document.components.get_or_insert_with(Default::default).add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

pub(super) async fn document() -> Json<Document> {
    Json(Interface::openapi())
}
