"""Eight ways to make twenty seconds of music.

A style is a function of two random generators: `own` draws what makes an artist recognisable
(tempo, key, instruments), the same for each of its tracks, and `draw` what makes a track.
"""

from collections.abc import Callable

import numpy as np

from artistindex.demo.synth import (
    Desk,
    Sound,
    bell,
    chord,
    clap,
    cymbal,
    decay,
    drive,
    filtered,
    formants,
    hat,
    kick,
    lowpass,
    noise,
    note,
    pluck,
    samples,
    sine,
    snare,
    sweep,
    swell,
    time,
    unison,
    vibrato,
    wave,
)

Draw = np.random.Generator
Style = Callable[[Draw, Draw, float], Sound]

MINOR = (0, 3, 7)
MAJOR = (0, 4, 7)
_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
_VOWELS = (
    ((730, 130, 1.0), (1090, 150, 0.6), (2440, 250, 0.25)),  # a (Peterson and Barney 1952)
    ((530, 110, 1.0), (1840, 180, 0.5), (2480, 250, 0.3)),  # e
    ((570, 110, 1.0), (840, 130, 0.7), (2410, 250, 0.15)),  # o
)


def techno(own: Draw, draw: Draw, seconds: float) -> Sound:
    """Four on the floor, hats between, a filtered minor stab and a rumbling bass."""
    beat = 60 / own.uniform(127, 131)
    root = 33 + int(own.integers(0, 7))
    drum = kick(low=own.uniform(44, 52), snap=own.uniform(180, 260))
    open_hat, closed = hat(own, length=0.18), hat(own, length=0.05)
    cutoff = own.uniform(700, 1000)
    desk = Desk(seconds)
    stab = sum(
        unison("saw", hz, 0.3, own, voices=3, spread=0.006) for hz in chord(root + 24, MINOR)
    )
    stab = decay(np.asarray(stab, np.float32), 0.11)
    stabs = [
        decay(filtered(stab, lowpass(cutoff * 2**bright, resonance=1.2)), 0.12)
        for bright in np.linspace(0, 1.6, 8)
    ]
    rumble = decay(filtered(wave("saw", note(root), beat / 4), lowpass(160)), 0.09)
    rhythm = draw.choice([0, 3, 6, 7, 10, 11, 14], 3, replace=False)
    for step in range(int(seconds / beat * 4)):
        at = step * beat / 4
        if step % 4 == 0:
            desk.put(drum, at, gain=1.0)
        else:
            desk.put(rumble, at, gain=0.5)
        if step % 4 == 2:
            desk.put(open_hat, at, gain=0.35, pan=0.1)
        desk.put(closed, at, gain=0.12 + 0.06 * draw.random(), pan=-0.2)
        if step % 16 in rhythm:
            sway = 0.5 - 0.5 * np.cos(2 * np.pi * at / seconds)
            desk.put(stabs[int(sway * 7)], at, gain=0.28, pan=0.15)
    desk.echoes(0.9, own, wet=0.12, dark=3000)
    return desk.master(warmth=1.6)


def breaks(own: Draw, draw: Draw, seconds: float) -> Sound:
    """174 beats a minute: a chopped break over a growling bass."""
    beat = 60 / own.uniform(173, 175)
    root = 28 + int(own.integers(0, 6))
    drum, crack = kick(low=60, snap=160, length=0.18), snare(own, tone=own.uniform(190, 230))
    ghost, tick = snare(own, tone=260, length=0.08), hat(own, length=0.04, bright=6000)
    ride = cymbal(own, length=0.5)
    desk = Desk(seconds)
    kicks, ghosts = {0, 10}, set(draw.choice([3, 6, 7, 9, 11, 14, 15], 3, replace=False).tolist())
    for step in range(int(seconds / beat * 4)):
        at, place = step * beat / 4, step % 16
        if place in kicks or (step % 64 > 48 and place == 6):
            desk.put(drum, at, gain=0.9)
        if place in (4, 12):
            desk.put(crack, at, gain=0.9)
        if place in ghosts:
            desk.put(ghost, at, gain=0.25 + 0.1 * draw.random())
        if step % 2 == 0:
            desk.put(tick, at, gain=0.3, pan=0.25)
        if step % 4 == 0:
            desk.put(ride, at, gain=0.15, pan=-0.25)
    bar = 4 * beat
    for count in range(int(seconds / bar) + 1):
        hz = note(root + int(draw.choice([0, 0, 3, -2, 5])))
        growl = unison("saw", hz * 2, bar, own, voices=2, spread=0.012)
        wobble = np.float32(0.5) - np.float32(0.5) * np.cos(np.float32(np.pi / beat) * time(bar))
        moved = sweep(growl, lowpass(180), lowpass(700, resonance=0.8), wobble)
        desk.put(drive(swell(moved + 0.8 * sine(hz, bar), 0.02, 0.05), 2.0), count * bar, gain=0.5)
    return desk.master(warmth=1.8)


def ambient(own: Draw, draw: Draw, seconds: float) -> Sound:
    """Slow chords of soft detuned waves in a very large room."""
    root = 45 + int(own.integers(0, 7))
    dark = own.uniform(500, 750)
    desk = Desk(seconds)
    chords = [(0, 7, 11, 14), (-4, 3, 7, 12), (5, 9, 12, 16), (-2, 5, 10, 14)]
    length = seconds / 3
    for count, index in enumerate(draw.permutation(len(chords))[:3]):
        for voice, interval in enumerate(chords[int(index)]):
            hz = note(root + interval)
            pad = unison("saw", hz, length * 1.6, draw, voices=4, spread=0.004)
            pad = filtered(pad, lowpass(dark, order=2))
            place = max(0.0, (count - 0.3) * length)
            desk.put(swell(pad, 2.2, 3.0), place, gain=0.3, pan=0.6 * (-1) ** voice)
    air = filtered(noise(seconds, draw), formants((900, 500, 0.5), floor=0.0))
    desk.put(swell(air, 3, 3), 0, gain=0.04)
    desk.echoes(4.5, own, wet=0.9, dark=1800)
    return desk.master()


def trap(own: Draw, draw: Draw, seconds: float) -> Sound:
    """Half time: a long distorted sub bass, rolling hats, a clap on three and cold bells."""
    beat = 60 / own.uniform(138, 144)
    root = 29 + int(own.integers(0, 6))
    tick, hand, drum = hat(own, length=0.035, bright=8000), clap(own), kick(low=50, length=0.2)
    ratio = own.uniform(3.2, 3.9)
    desk = Desk(seconds)
    melody = [int(draw.choice(_MINOR_SCALE)) for _ in range(8)]
    lows = {0, int(draw.choice([6, 7])), int(draw.choice([10, 11, 14]))}
    for step in range(int(seconds / beat * 4)):
        at, place = step * beat / 4, step % 32
        if place % 16 in lows:
            length = beat * 1.6
            glide = note(root) * (1 + 0.8 * np.exp(-time(length) / 0.03)).astype(np.float32)
            desk.put(drive(decay(sine(glide, length), 0.45), 2.5), at, gain=0.75)
            desk.put(drum, at, gain=0.6)
        if place in (8, 24):
            desk.put(hand, at, gain=0.75)
        if step % 2 == 0:
            desk.put(tick, at, gain=0.4, pan=0.2)
        if place in (14, 27, 30) and draw.random() < 0.8:
            rolls = int(draw.choice([3, 4, 6]))
            for roll in range(rolls):
                desk.put(tick, at + roll * beat / 2 / rolls, gain=0.3 + 0.02 * roll, pan=-0.2)
        if step % 4 == 0:
            hz = note(root + 48 + melody[step // 4 % 8])
            desk.put(bell(hz, 0.9, ratio=ratio), at, gain=0.16, pan=0.3 * (-1) ** (step // 4))
    desk.echoes(1.2, own, wet=0.1, dark=5000)
    return desk.master(warmth=1.5)


def chiptune(own: Draw, draw: Draw, seconds: float) -> Sound:
    """A games console: pulse waves in quick arpeggios, a triangle bass, noise for drums."""
    beat = 60 / own.uniform(148, 158)
    root = 57 + int(own.integers(0, 7))
    lead_shape = str(own.choice(["pulse12", "pulse25"]))
    desk = Desk(seconds)
    progression = [[0, -4, 3, -2], [0, 5, -4, -2], [0, 3, 5, -2]][int(draw.integers(3))]
    grain = np.repeat(own.uniform(-1, 1, 2400), 4).astype(np.float32)  # sampled and held
    short = len(grain) // 6
    bar = 4 * beat
    for step in range(int(seconds / beat * 4)):
        at = step * beat / 4
        base = root + progression[int(at / bar) % 4]
        cell = beat / 4
        for tick in range(3):
            hz = note(base + (*MINOR, 12)[(step + tick) % 4])
            desk.put(wave("pulse25", hz, cell / 3), at + tick * cell / 3, gain=0.2, pan=-0.3)
        if step % 2 == 0:
            desk.put(wave("triangle", note(base - 24), cell * 1.7), at, gain=0.5)
        if draw.random() < 0.6:
            hz = note(base + 12 + int(draw.choice(_MINOR_SCALE)))
            steps = np.ceil(np.linspace(8, 1, samples(cell * 1.5))) / 8  # a volume of few bits
            desk.put(
                (wave(lead_shape, hz, cell * 1.5) * steps).astype(np.float32), at, gain=0.3, pan=0.3
            )
        if step % 8 == 4:
            desk.put(decay(grain, 0.07, attack=0.0005), at, gain=0.4)
        elif step % 2 == 0:
            desk.put(decay(grain[:short], 0.015, attack=0.0005), at, gain=0.25)
    return desk.master()


def folk(own: Draw, draw: Draw, seconds: float) -> Sound:
    """A strummed steel-string guitar and someone who sings on vowels."""
    beat = 60 / own.uniform(96, 108)
    root = 43 + int(own.integers(0, 5))
    body = formants((110, 60, 1.4), (230, 100, 1.0), (1600, 1800, 0.7), floor=0.25)
    desk = Desk(seconds)
    progression = [[(0, MAJOR), (5, MAJOR), (7, MAJOR), (9, MINOR)][i] for i in draw.permutation(4)]
    bar = 4 * beat
    guitar = [
        [
            filtered(pluck(note(root + offset + step), beat * 1.8, own, ring=0.997), body)
            for step in (0, 7, 12, 12 + kind[1], 19, 24)
        ]
        for offset, kind in progression
    ]
    for count in range(int(seconds / bar) + 1):
        offset, kind = progression[count % 4]
        strings = guitar[count % 4]
        for stroke, level in ((0, 1.0), (1, 0.8), (1.5, 0.5), (2.5, 0.6), (3, 0.85), (3.5, 0.5)):
            down = stroke == int(stroke)
            order = strings if down else strings[:2:-1]
            for late, string in enumerate(order):
                at = count * bar + stroke * beat + late * 0.012
                desk.put(string, at, gain=0.3 * level * draw.uniform(0.85, 1), pan=-0.15)
        for sung in range(2):
            hz = note(root + 12 + offset + int(draw.choice((*kind, 12))))
            length = beat * float(draw.choice([1.4, 1.8]))
            voice = wave("saw", vibrato(hz, length, rate=5.5, depth=0.012), length)
            voice += 0.08 * noise(length, draw)
            voice = filtered(voice, formants(*_VOWELS[int(draw.integers(3))]))
            desk.put(swell(voice, 0.08, 0.2), count * bar + sung * 2 * beat, gain=0.9, pan=0.1)
    desk.echoes(0.7, own, wet=0.1, dark=4000)
    return desk.master()


def strings(own: Draw, draw: Draw, seconds: float) -> Sound:
    """Bowed open fifths that hold, and one voice that moves above them."""
    root = 38 + int(own.integers(0, 5))
    body = formants(
        (280, 120, 1.0), (460, 150, 1.0), (1100, 500, 0.8), (2800, 900, 0.5), floor=0.05
    )
    desk = Desk(seconds)
    for pan, interval in ((-0.5, 0), (0.4, 7), (-0.2, 12), (0.5, 19)):
        desk.put(_bowed(note(root + interval), seconds, draw, body), 0, gain=0.35, pan=pan)
    at, place = 0.5, 12
    while at < seconds - 1:
        length = float(draw.uniform(1.8, 3.0))
        place = int(np.clip(place + draw.choice([-2, -1, 1, 2]), 7, 17))
        octave, step = divmod(place, 7)
        hz = note(root + 12 * octave + _MINOR_SCALE[step])
        desk.put(_bowed(hz, length, draw, body), at, gain=0.5, pan=0.1)
        at += length * 0.9
    desk.echoes(1.8, own, wet=0.25, dark=3500)
    return desk.master()


def _bowed(hz: float, seconds: float, draw: Draw, body: Callable[..., np.ndarray]) -> Sound:
    sway = float(draw.uniform(4.8, 5.8))
    string = wave("saw", vibrato(hz, seconds, rate=sway, depth=0.006), seconds)
    scrape = noise(seconds, draw) * np.float32(0.15)
    return swell(filtered(string + scrape, body), min(0.5, seconds / 4), min(0.6, seconds / 4))


def swing(own: Draw, draw: Draw, seconds: float) -> Sound:
    """A trio: a ride cymbal that swings, a walking bass, and a piano that answers."""
    beat = 60 / own.uniform(150, 170)
    root = 34 + int(own.integers(0, 6))
    ride, foot = cymbal(own), hat(own, length=0.07, bright=5000)
    desk = Desk(seconds)
    changes = [(2, MINOR, 10), (7, MAJOR, 10), (0, MAJOR, 11), (9, MINOR, 10)]
    keys: dict[int, Sound] = {}
    step = 0
    for count in range(int(seconds / beat)):
        at = count * beat
        offset, kind, seventh = changes[count // 4 % 4]
        desk.put(ride, at, gain=0.3, pan=0.25)
        if count % 2:
            desk.put(ride, at + beat * 2 / 3, gain=0.2, pan=0.25)
            desk.put(foot, at, gain=0.35, pan=-0.2)
        step = offset if count % 4 == 0 else step + int(draw.choice([-2, -1, 1, 2, 3]))
        bass = pluck(note(root + step % 12), beat * 0.95, draw, soft=1.0, ring=0.994)
        desk.put(filtered(bass, lowpass(900, order=2)), at, gain=0.9)
        if draw.random() < 0.45:
            late = float(draw.choice([0.0, beat * 2 / 3]))
            for voice in (*kind, seventh, 14):
                number = root + 24 + offset + voice
                if number not in keys:
                    key = decay(wave("organ", note(number), 0.9), 0.28, attack=0.003)
                    keys[number] = filtered(key, lowpass(2200, order=1))
                desk.put(keys[number], at + late, gain=0.13, pan=-0.3)
    desk.echoes(0.8, own, wet=0.1, dark=4000)
    return desk.master()
