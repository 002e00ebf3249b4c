//! The pre-flight for a person at a terminal.

use breakglass_posture::report::Style;

use super::{
    super::{
        document::PolicyRef,
        document::preflight::{
            Comparison, Difference, Kind, PreflightDocument, Scope, Sides, Verdict,
        },
        page::{BOLD, DIM, GREEN, Page, RED, YELLOW, capital, count, some, unread},
    },
    verdict,
};

/// Where the text of verdicts begins.
const INDENT: usize = 16;
/// How many names of people are shown.
const SHOWN: usize = 10;

/// The document as text.
pub(super) fn text(document: &PreflightDocument, about: &str, style: Style) -> String {
    let mut page = Page::new(style);
    comparison(&mut page, &document.comparison, "");
    page.heading("What changes");
    for line in &document.changes {
        page.block(" ·", "", 3, line, "");
    }
    page.list("Warnings", " !", YELLOW, &document.warnings);
    page.heading("When the report-only policies go live");
    if document.if_report_only_enabled == document.comparison {
        page.line("The same: no report-only policy makes a difference.", "");
    } else {
        comparison(
            &mut page,
            &document.if_report_only_enabled,
            " when the report-only policies go live",
        );
    }
    page.heading("What this rests on");
    page.line(
        &format!(
            "{}: {}. After the change: {about}.",
            document.head.tenant_name(),
            document.head.when()
        ),
        "",
    );
    if let Some(confirmation) = &document.confirmation {
        page.list("Microsoft's own What If", " ·", "", &confirmation.lines());
    }
    page.list("Not read", " ?", YELLOW, &unread(&document.head));
    let aside: Vec<String> = document
        .set_aside
        .iter()
        .map(|piece| format!("{}, {}: {}", piece.file, piece.position, piece.reason))
        .collect();
    page.list("Set aside, not understood", " ?", YELLOW, &aside);
    page.list("Assumed", " ·", "", document.head.assumptions());
    page.finish()
}

fn comparison(page: &mut Page, comparison: &Comparison, when: &str) {
    let (symbol, word, sentence) = verdict(comparison);
    let color = match comparison.verdict {
        Verdict::Safe => GREEN,
        Verdict::LocksOut => RED,
        Verdict::Narrows | Verdict::CannotTell => YELLOW,
    };
    page.block(
        &format!(" {symbol} {word}"),
        &format!("1;{color}"),
        INDENT,
        &format!("{}.", capital(sentence)),
        BOLD,
    );
    for because in &comparison.because {
        if because != sentence {
            page.block("", "", INDENT, because, "");
        }
    }
    page.heading(&format!("Emergency access accounts{when}"));
    sides(page, &comparison.accounts, "account", "accounts");
    differences(page, &comparison.lost, Kind::Account, "loses", "lose");
    for line in comparison.newly_reached() {
        page.block(" !", YELLOW, 3, &line, "");
    }
    page.heading(&format!("Administrators{when}"));
    sides(
        page,
        &comparison.administrators,
        "administrator",
        "administrators",
    );
    differences(page, &comparison.lost, Kind::Administrator, "loses", "lose");
    if comparison
        .lost
        .iter()
        .any(|loss| loss.who.kind == Kind::User)
    {
        page.heading(&format!("Users who lose{when}"));
        differences(page, &comparison.lost, Kind::User, "loses", "lose");
    }
    if !comparison.gained.is_empty() {
        page.heading(&format!("Who gains{when}"));
        for kind in [Kind::Account, Kind::Administrator, Kind::User] {
            differences(page, &comparison.gained, kind, "gains", "gain");
        }
    }
    page.list(&format!("Missing{when}"), " ?", YELLOW, &comparison.missing);
}

fn sides(page: &mut Page, sides: &Sides, one: &str, many: &str) {
    let (before, after) = (&sides.before, &sides.after);
    if before.total == 0 && after.total == 0 {
        page.line(&format!("None is known ({many})."), "");
        return;
    }
    let (symbol, color) = if after.way_in >= before.way_in && after.way_in > 0 {
        ("✔", GREEN)
    } else if after.way_in == 0 && after.unclear.is_empty() {
        ("✘", RED)
    } else if after.way_in == 0 {
        ("?", YELLOW)
    } else {
        ("!", YELLOW)
    };
    page.block(
        &format!(" {symbol}"),
        color,
        3,
        &format!(
            "{} of {} with a way in before, {} of {} after",
            before.way_in,
            count(before.total, one, many),
            after.way_in,
            after.total
        ),
        "",
    );
    let lost = sides.lost();
    if !lost.is_empty() {
        page.block(
            "   ✘",
            RED,
            5,
            &format!("no way in any more: {}", some(&lost, SHOWN)),
            "",
        );
    }
    if !after.unclear.is_empty() {
        let names = some(&after.unclear, SHOWN);
        page.block("   ?", YELLOW, 5, &format!("cannot tell: {names}"), "");
    }
    if after.way_in > 0 && after.way_in < after.total {
        page.block(
            "",
            "",
            5,
            &format!("with a way in after: {}", some(&after.names, SHOWN)),
            "",
        );
    }
}

fn differences(page: &mut Page, all: &[Difference], kind: Kind, one: &str, many: &str) {
    for difference in all.iter().filter(|difference| difference.who.kind == kind) {
        let color = match kind {
            Kind::User => YELLOW,
            Kind::Account | Kind::Administrator => RED,
        };
        let symbol = if one == "gains" { "+" } else { "✘" };
        page.block(
            &format!(" {symbol}"),
            if one == "gains" { GREEN } else { color },
            3,
            &difference.headline(one, many, SHOWN),
            "",
        );
        page.under(3, "└ ", &difference.example(), DIM);
    }
}

impl Comparison {
    /// Which policies may apply to which account and could not before, one line an account.
    pub(super) fn newly_reached(&self) -> Vec<String> {
        self.newly_applies
            .iter()
            .flat_map(|newly| {
                let line = |policies: &[PolicyRef], may: &str| {
                    let names: Vec<&str> = policies.iter().map(|p| p.name.as_str()).collect();
                    (!names.is_empty()).then(|| {
                        format!(
                            "{} {may} be reached by {}, and could not before",
                            newly.account,
                            names.join(" and ")
                        )
                    })
                };
                [line(&newly.policies, "can"), line(&newly.perhaps, "may")]
            })
            .flatten()
            .collect()
    }
}

impl Sides {
    /// Those who had a way in before and have none after.
    pub(super) fn lost(&self) -> Vec<String> {
        self.before
            .names
            .iter()
            .filter(|name| self.after.without.contains(name))
            .cloned()
            .collect()
    }
}

impl Difference {
    /// Who loses or gains how much.
    pub(super) fn headline(&self, one: &str, many: &str, shown: usize) -> String {
        let verb = if self.who.count == 1 { one } else { many };
        let what = match self.scope {
            Scope::All => "every sign-in",
            Scope::Some => "some sign-ins",
        };
        let names = some(&self.who.examples, shown);
        let (who, examples) = match (self.who.kind, self.who.count) {
            (_, 1) if !names.is_empty() => (names, String::new()),
            (Kind::Account, n) => (count(n, "account", "accounts"), names),
            (Kind::Administrator, n) => (count(n, "administrator", "administrators"), names),
            (Kind::User, n) => (count(n, "user", "users"), names),
        };
        let examples = match (
            examples.is_empty(),
            self.who.examples.len() < self.who.count,
        ) {
            (true, _) => String::new(),
            (false, true) => format!(", for example {examples}"),
            (false, false) => format!(": {examples}"),
        };
        let signature = match self.who.kind {
            Kind::User if !self.who.signature.is_empty() => format!(" ({})", self.who.signature),
            _ => String::new(),
        };
        format!("{who} {verb} {what}{signature}{examples}")
    }

    /// The witness and the policies that make the difference, as a sentence.
    pub(super) fn example(&self) -> String {
        let names: Vec<&str> = self.by.iter().map(|policy| policy.name.as_str()).collect();
        if names.is_empty() {
            self.witness_sentence.clone()
        } else {
            format!("{} — by {}", self.witness_sentence, names.join(" and "))
        }
    }
}
