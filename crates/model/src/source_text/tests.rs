use super::*;

fn at(text: &str, what: &str) -> Problem {
    let start = text.find(what).unwrap();
    SourceText::new("f.toml", text).problem(&(start..start + what.len()), "wrong")
}

#[test]
fn r1_places_count_lines_and_characters_from_one() {
    let text = "a = 1\r\nüü = 2\r\nlast";
    for (what, line, column) in [("a", 1, 1), ("2", 2, 6), ("last", 3, 1)] {
        let problem = at(text, what);
        assert_eq!((problem.line, problem.column), (line, column), "{what}");
    }
    let end = SourceText::new("f.toml", text).problem(&(900..950), "wrong");
    assert_eq!((end.line, end.column), (3, 5));
    let empty = SourceText::new("f.toml", "\u{feff}").problem(&(0..0), "wrong");
    assert_eq!(empty.place(), "f.toml:1:1");
    assert_eq!(empty.to_string(), "f.toml:1:1: wrong");
}

#[test]
fn r1_the_caret_stands_below_what_it_marks() {
    let long = format!(
        "{} = {}target{}",
        "x".repeat(100),
        "ä".repeat(200),
        "y".repeat(300)
    );
    for text in [
        "\tkey = target",
        "target",
        "\u{1b}[31m = target",
        long.as_str(),
    ] {
        let shown = at(text, "target").to_string();
        let lines: Vec<&str> = shown.lines().collect();
        let caret = lines[2].chars().position(|c| c == '^').unwrap();
        let carets = lines[2].chars().filter(|c| *c == '^').count();
        let marked: String = lines[1].chars().skip(caret).take(carets).collect();
        assert_eq!(marked, "target", "{shown}");
        assert!(lines[1].chars().count() < 140, "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn s2_names_of_secrets() {
    for name in [
        "pin",
        "PIN",
        "Pins",
        "pin2",
        "key_pin",
        "keyPin",
        "safe-code",
        "safeCodes",
        "password",
        "userpassword1",
        "db.passwd",
        "pass_secret",
        "combination",
        "passcode",
        "PUK",
        "pin_file",
    ] {
        assert!(secret_name(name), "{name}");
    }
    for name in [
        "pinned",
        "opinion",
        "spin",
        "combination_changed",
        "encoded",
        "codec",
        "place",
        "",
        "routing",
        "id",
        "PIN_changed",
    ] {
        assert!(!secret_name(name), "{name}");
    }
}

#[test]
fn s2_pins_in_free_text() {
    for text in [
        "pin 1234",
        "PIN: 123456",
        "the Pin\n\t=> 4711 is",
        "(pin)0000",
        "pin1234",
    ] {
        assert!(name::find_pin(text).is_some(), "{text}");
    }
    for text in [
        "pin 123",
        "spin 1234",
        "pin is 1234",
        "pin:BG01-A",
        "pin_1234",
        "1234 pin",
        "pi",
        "",
    ] {
        assert!(name::find_pin(text).is_none(), "{text}");
    }
}

#[test]
fn s2_quotes_end_behind_the_name_of_a_secret() {
    assert_eq!(quoted("hq-safe"), "`hq-safe`");
    assert_eq!(quoted("pin: 4711"), "`pin…`");
    assert_eq!(quoted("x pin4711"), "`x …`");
    assert_eq!(quoted("https://h.example/t0ken"), "`https://h.example…`");
    assert_eq!(quoted("x://u:p@h/d"), "`x://…`");
    assert_eq!(quoted("a\u{1b}b"), "`a\u{fffd}b`");
    assert_eq!(quoted(&"x".repeat(100)), format!("`{}…`", "x".repeat(60)));
}

#[test]
fn r1_the_nearest_name_is_offered() {
    let known = ["label", "serial", "place", "id"];
    for (given, meant) in [
        ("labl", Some("label")),
        ("LABEL", Some("label")),
        ("palce", Some("place")),
        ("seriall", Some("serial")),
        ("xd", None),
        ("vendor", None),
        ("", None),
    ] {
        assert_eq!(closest(given, &known), meant, "{given}");
    }
}
