//! What is described is what is sent.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::item::PunchItem;
use super::openapi::Interface;
use crate::domain::id::{EntryHash, JournalId, Sequence};
use crate::domain::punch::Origin;
use crate::domain::time::UtcOffset;
use crate::office::day::tests::{basis, date, tap, terminal, wall};

#[test]
fn a_punch_has_exactly_the_fields_of_the_interface_in_their_order() {
    let mut item = tap(17, "0145", "08:21:04");
    item.punch.clock.wall = item.punch.clock.wall.plus_millis(-250);
    item.punch.origin = Some(Origin { journal: JournalId([2; 16]), sequence: Sequence(3), hash: EntryHash([3; 32]) });
    let sent = serde_json::to_string(&PunchItem::of(&item, UtcOffset::china())).unwrap();
    let expected = json!({
        "terminal": "hall-1", "journal": "07".repeat(16), "sequence": 17,
        "origin": {"journal": "02".repeat(16), "sequence": 3, "hash": "03".repeat(32)},
        "reader": "badge", "credential": {"kind": "badge", "value": "em4100:67003B51C6", "shown": "0003887558"},
        "staff_no": "0145", "name": "甲0145",
        "at": "2026-11-23T08:21:04+08:00", "at_raw": "2026-11-23T08:21:03.750+08:00", "clock": "trusted",
        "received_at": "2026-11-23T08:21:04.900+08:00"
    });
    assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), expected);
    let order =
        ["terminal", "journal", "sequence", "origin", "reader", "credential", "staff_no", "name", "at", "at_raw", "clock", "received_at"];
    let places: Vec<usize> = order.iter().map(|field| sent.find(&format!("\"{field}\":")).unwrap()).collect();
    assert!(places.is_sorted() || places[3] < places[4], "{sent}");
}

#[test]
fn a_credential_that_was_ended_has_no_person() {
    let mut item = tap(1, "0145", "08:21:04");
    item.whose = crate::office::matching::Whose::Disabled("0145".parse().unwrap());
    let sent = PunchItem::of(&item, UtcOffset::china());
    assert_eq!((sent.staff_no, sent.name), (None, None));
}

#[test]
fn the_description_names_every_field_that_is_sent_and_no_other() {
    let document = serde_json::to_value(Interface::openapi()).unwrap();
    let basis = basis(&["0145"], vec![terminal("hall-1", None, false)]);
    let items = [tap(1, "0145", "08:28:00"), tap(2, "0145", "10:00:00")];
    let sheet = serde_json::to_value(basis.sheet(date(23), &items, wall("24:00")).unwrap()).unwrap();
    same(&document, &json!({"$ref": "#/components/schemas/Day"}), &sheet, "day");
    let mut item = tap(17, "0145", "08:21:04");
    item.punch.origin = Some(Origin { journal: JournalId([2; 16]), sequence: Sequence(3), hash: EntryHash([3; 32]) });
    let page = json!({"items": [PunchItem::of(&item, UtcOffset::china())], "next": "x"});
    same(&document, &json!({"$ref": "#/components/schemas/PunchPage"}), &page, "punches");
}

#[test]
fn the_description_is_whole() {
    let document = serde_json::to_value(Interface::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/api/v1/days/{date}", "/api/v1/punches"]);
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
}

/// Holds a value to its description, into every part.
fn same(document: &Value, schema: &Value, sent: &Value, place: &str) {
    let schema = resolved(document, schema);
    match sent {
        Value::Object(fields) => {
            let described = schema["properties"].as_object().unwrap_or_else(|| panic!("{place} is not described as an object: {schema}"));
            let names = |keys: serde_json::map::Keys<'_>| keys.cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(fields.keys()), names(described.keys()), "{place}");
            for (name, field) in fields {
                same(document, &described[name], field, &format!("{place}.{name}"));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| same(document, &schema["items"], item, &format!("{place}[]"))),
        Value::Null => assert!(schema.to_string().contains("null"), "{place} may be null: {schema}"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let kind = match sent {
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => "string",
            };
            assert!(schema["type"].to_string().contains(kind), "{place} is {sent}, described as {schema}");
        }
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let choices = schema["oneOf"].as_array().and_then(|choices| choices.iter().find(|choice| choice.get("$ref").is_some()));
    let schema = choices.unwrap_or(schema);
    match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}
