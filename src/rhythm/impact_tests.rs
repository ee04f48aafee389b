use super::*;

fn accent(strength: f32, kind: AccentKind) -> Accent {
    Accent {
        time: Instant::ZERO,
        strength,
        kind,
        part: BodyPart::default(),
        impact: None,
    }
}

#[test]
fn strengths_do_not_saturate() {
    let mut accents: Vec<Accent> = (1..=20_u8)
        .map(|height| accent(f32::from(height) / 10.0, AccentKind::Impact))
        .collect();
    grade(&mut accents);
    assert!(accents.windows(2).all(|pair| pair[0].strength <= pair[1].strength));
    assert_eq!(accents.iter().filter(|a| a.strength >= 1.0).count(), 1, "one of twenty");
    // The tenth of twenty: rank 0.5 of 0.95, height 1.0 of 1.905.
    let expected = 0.5 * 0.5 / 0.95 + 0.5 * 1.0 / 1.905;
    assert!((f64::from(accents[9].strength) - expected).abs() < 1e-6);
}

#[test]
fn equal_impacts_are_equally_strong_and_changes_keep_their_height() {
    let mut accents = vec![accent(0.7, AccentKind::Impact); 9];
    accents.push(accent(0.4, AccentKind::Style));
    accents.push(accent(1.3, AccentKind::Style));
    grade(&mut accents);
    assert!(accents[..9].iter().all(|a| a.strength == 1.0));
    assert_eq!((accents[9].strength, accents[10].strength), (0.4, 1.0));
}

#[test]
fn the_part_is_the_one_that_is_stopped_hardest_or_the_whole_body() {
    let stop = |limb: usize, force| Stop {
        position: 0.0,
        force,
        limb,
        part: LIMBS[limb].part,
        kind: ImpactKind::Stop,
        falls: false,
    };
    assert_eq!(part(&[stop(4, 9.0), stop(5, 9.0), stop(1, 12.0)]), BodyPart::Feet);
    assert_eq!(part(&[stop(0, 8.0), stop(1, 9.0), stop(3, 10.0)]), BodyPart::Whole);
    assert_eq!(part(&[stop(0, 3.0), stop(1, 4.0), stop(3, 30.0)]), BodyPart::Hands);
}

#[test]
fn somebody_lands_where_the_feet_do_and_the_trunk_comes_down_with_them() {
    let stop = |limb: usize, force, kind, falls| Stop {
        position: 10.0,
        force,
        limb,
        part: LIMBS[limb].part,
        kind,
        falls,
    };
    let of = |stops: Vec<Stop>| together(stops).iter().map(|s| s.kind).collect::<Vec<_>>();
    // Trunk and foot, which takes a fifth of the force.
    let jump = vec![
        stop(1, 20.0, ImpactKind::Stop, true),
        stop(4, 5.0, ImpactKind::Landing, true),
    ];
    assert_eq!(of(jump), [ImpactKind::Landing]);
    let bow = vec![
        stop(1, 20.0, ImpactKind::Stop, true),
        stop(4, 5.0, ImpactKind::Stop, false),
    ];
    assert_eq!(of(bow), [ImpactKind::Stop], "the feet stay on the ground");
    let step = vec![
        stop(2, 20.0, ImpactKind::Turn, false),
        stop(4, 5.0, ImpactKind::Landing, true),
    ];
    assert_eq!(of(step), [ImpactKind::Turn], "an arm is swung while somebody walks");
}
