//! The roster as the CSV that `roster import` takes: exporting and importing it changes nothing.

use super::{Csv, words};
use crate::domain::credential::shown_number;
use crate::domain::id::hex_text;
use crate::domain::person::Person;
use crate::domain::roster::{Binding, Claim, Roster};
use crate::domain::time::WorkDate;
use crate::office::roster_file::COLUMNS;

/// Everyone, in the office's order, with the card that was given last, holds and goes on.
pub fn csv(roster: &Roster, today: WorkDate) -> Vec<u8> {
    let mut csv = Csv::with_head(&COLUMNS.map(|(column, _)| column));
    let mut people: Vec<&Person> = roster.people.values().collect();
    people.sort_by_key(|person| (person.order.0, &person.department, person.order.1, &person.staff_no));
    let date = |date: Option<WorkDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let order = |number: u32| if number == 0 { String::new() } else { number.to_string() };
    for person in people {
        csv.row(&[
            person.staff_no.to_string(),
            person.name.clone(),
            person.name_pinyin.clone(),
            person.department.clone(),
            person.window.clone(),
            words::post_class(person.post_class).to_owned(),
            if person.head { "是" } else { "" }.to_owned(),
            person.employment.clone(),
            card(roster, person, today),
            person.joined.to_string(),
            date(person.on_post_from),
            date(person.exit),
            order(person.order.0),
            order(person.order.1),
            person.note.clone(),
        ]);
    }
    csv.finish()
}

fn card(roster: &Roster, person: &Person, today: WorkDate) -> String {
    let holds = |binding: &Binding| binding.holds_on(today) && binding.until != Some(today);
    let own = roster.bindings.iter().rev().filter(|binding| binding.staff_no == person.staff_no && holds(binding));
    let mut cards = own.filter_map(|binding| match &binding.claim {
        Claim::Card(bytes) => Some(printed(bytes)),
        Claim::Text(_) | Claim::Finger { .. } => None,
    });
    cards.next().unwrap_or_default()
}

/// A card's number in the form that knows exactly these bytes.
pub fn printed(bytes: &[u8]) -> String {
    let short = (bytes.len() <= 4).then(|| shown_number(bytes)).flatten();
    short.unwrap_or_else(|| format!("em4100:{}", hex_text(bytes).to_ascii_uppercase()))
}
