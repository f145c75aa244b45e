"""Signatures: as written down, good for one job, fence and body, and broken by any change."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gpu.job import signing
from gpu.job.signing import FENCE, NONCE, SIGNATURE, TIMESTAMP, WINDOW, is_genuine, job_key, sign

NOW = 1_790_000_000.0
KEY = job_key("secret", "a1", 1)

jobs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
fences = st.integers(1, 1000)


def test_the_scheme_is_the_one_that_was_agreed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors, made with `openssl dgst -sha256 -hmac`: bots and machines may differ in age."""
    monkeypatch.setattr(signing.secrets, "token_hex", lambda _: "00" * 16)
    assert KEY == "3fc6ff6f7b64975b844182c83c440c4f376e21208346948a6b62886f1f2522f6"
    assert sign(KEY, "a1", 1, b"{}", now=NOW + 0.9) == {
        TIMESTAMP: "1790000000",
        NONCE: "00000000000000000000000000000000",
        FENCE: "1",
        SIGNATURE: "v1=f16a2fdc8c96cf96ce6fdf5591f4e991c4d5be1c21b169f47759226f4f9e2c90",
    }


@given(st.text(min_size=1), jobs, fences, st.binary(max_size=200))
def test_what_is_signed_is_genuine(secret: str, job: str, fence: int, body: bytes) -> None:
    assume(secret.encode("utf-8", "ignore").decode() == secret)
    key = job_key(secret, job, fence)
    headers = sign(key, job, fence, body, now=NOW)
    assert is_genuine([key], headers, job, body, now=NOW)
    assert is_genuine([KEY, key], headers, job, body, now=NOW)
    assert not is_genuine([], headers, job, body, now=NOW)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_change_of_a_byte_is_detected(body: bytes, data: st.DataObject) -> None:
    headers = sign(KEY, "a1", 1, body, now=NOW)
    place = data.draw(st.integers(0, len(body) - 1))
    other = bytearray(body)
    other[place] ^= data.draw(st.integers(1, 255))
    for changed in (bytes(other), body[:place], body + b"\0", b"\0" + body):
        assert not is_genuine([KEY], headers, "a1", changed, now=NOW)


@given(st.sampled_from([TIMESTAMP, NONCE, FENCE, SIGNATURE]), st.data())
def test_any_change_of_a_header_is_detected(name: str, data: st.DataObject) -> None:
    headers = sign(KEY, "a1", 1, b"{}", now=NOW)
    place = data.draw(st.integers(0, len(headers[name]) - 1))
    letter = data.draw(st.characters(min_codepoint=32, max_codepoint=255))
    changed = headers[name][:place] + letter + headers[name][place + 1 :]
    assume(changed != headers[name])
    assert not is_genuine([KEY], headers | {name: changed}, "a1", b"{}", now=NOW)
    without = {k: v for k, v in headers.items() if k != name}
    assert not is_genuine([KEY], without, "a1", b"{}", now=NOW)


@given(jobs, fences, jobs, fences)
def test_a_key_is_good_for_one_attempt_of_one_job(a: str, m: int, b: str, n: int) -> None:
    assume((a, m) != (b, n))
    mine, other = job_key("secret", a, m), job_key("secret", b, n)
    assert mine != other
    headers = sign(other, a, m, b"{}", now=NOW)
    assert not is_genuine([mine], headers, a, b"{}", now=NOW)


@pytest.mark.parametrize(
    ("late", "good"), [(0, True), (WINDOW, True), (-WINDOW, True), (WINDOW + 1, False)]
)
def test_a_signature_is_good_within_the_window(late: float, good: bool) -> None:
    headers = sign(KEY, "a1", 1, b"{}", now=NOW)
    assert is_genuine([KEY], headers, "a1", b"{}", now=NOW + late) is good


def test_no_two_requests_have_the_same_nonce() -> None:
    nonces = {sign(KEY, "a1", 1, b"{}", now=NOW)[NONCE] for _ in range(100)}
    assert len(nonces) == 100
    assert all(len(nonce) == 32 for nonce in nonces)


@given(st.dictionaries(st.sampled_from([TIMESTAMP, NONCE, FENCE, SIGNATURE]), st.text()))
def test_nonsense_is_refused_and_never_an_error(headers: dict[str, str]) -> None:
    assume(all(v.encode("utf-8", "ignore").decode() == v for v in headers.values()))
    assert not is_genuine([KEY], headers, "a1", b"{}", now=NOW)
