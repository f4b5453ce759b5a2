"""Bodies: what is read, and what is refused by name, before anything is asked of the database."""

import io
import json
import string
from typing import Any

import pytest

from offerhub.api.fields import AmountField
from offerhub.api.parsing import RawNumber, parse_json, read_limited
from offerhub.core.errors import PayloadTooLarge
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


LETTERS = string.ascii_letters[:51]


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"", "not_json", ""),
        (b"{", "not_json", "line 1 column 2"),
        (b'{"name": "Car",}', "not_json", "line 1"),
        (b"{'name': 'Car'}", "not_json", ""),
        (b'{"name": "Car"} {}', "not_json", "Extra data"),
        (b"[]", "malformed", "object"),
        (b'"Car"', "malformed", "object"),
        (b"1", "malformed", "object"),
        (b"null", "malformed", "object"),
        (b'{"name": NaN}', "not_json", "NaN"),
        (b'{"name": Infinity}', "not_json", "Infinity"),
        (b'{"name": -Infinity}', "not_json", "-Infinity"),
        (b'{"a": 01}', "not_json", ""),
        (b'{"a": +1}', "not_json", ""),
        (b'{"a": .5}', "not_json", ""),
        (b'{"a": 0x10}', "not_json", ""),
        (b'{"name": "a", "name": "b"}', "malformed", "'name' occurs twice"),
        (b'{"x": {"y": 1, "y": 2}}', "malformed", "'y' occurs twice"),
        (b'{"name": "\xff"}', "malformed", "UTF-8"),
        (b'\xef\xbb\xbf{"name": "a"}', "not_json", ""),
        (b'{"name": "a\x00b"}', "not_json", ""),
        (b'{"name": "a\\u0000b"}', "malformed", "NUL"),
        (b'{"a\\u0000b": 1}', "malformed", "NUL"),
        (b'{"name": "\\ud800"}', "malformed", "surrogate"),
        (b'{"name": "a\nb"}', "not_json", ""),
        (nested(21), "malformed", "nested deeper than 20"),
        (nested(10_000), "malformed", "nested deeper than 20"),
        (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "malformed", "nested deeper"),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(
    api: Api, body: bytes, code: str, says: str
) -> None:
    answer = api.post("/toys", body) if body else api.post("/toys", b" ")
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content[:300]
    assert says in answer.json()["detail"]


def test_numbers_keep_the_text_that_was_sent() -> None:
    body = parse_json(b'{"a": 0.10, "b": 1e3, "c": 12345678901234567890.123, "d": [-0]}')
    assert body == {
        "a": RawNumber("0.10"),
        "b": RawNumber("1e3"),
        "c": RawNumber("12345678901234567890.123"),
        "d": [RawNumber("-0")],
    }


def test_twenty_levels_are_allowed() -> None:
    assert parse_json(nested(20))


def test_no_body_is_an_empty_object(api: Api) -> None:
    answer = api.post("/toys")
    assert answer.json()["errors"] == [
        {"field": "name", "code": "required", "message": "is required"}
    ]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_only_json_is_taken(api: Api, content_type: str) -> None:
    answer = api.client.generic(
        "POST",
        "/api/v1/toys",
        b'{"name": "x"}',
        content_type=content_type,
        headers={"authorization": f"Bearer {api.token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_charset_may_be_said(api: Api) -> None:
    answer = api.client.generic(
        "POST",
        "/api/v1/toys",
        '{"name": "Größe"}'.encode(),
        content_type="application/json; charset=utf-8",
        headers={"authorization": f"Bearer {api.token}"},
    )
    assert (answer.status_code, answer.json()["name"]) == (201, "Größe")


def test_a_compressed_body_is_refused(api: Api) -> None:
    assert api.post("/toys", {"name": "x"}, Content_Encoding="gzip").status_code == 415


def test_a_body_over_a_megabyte_is_refused(api: Api) -> None:
    body = json.dumps({"name": "x" * 1_048_576})
    answer = api.post("/toys", body.encode())
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    just = b'{"name": "x"' + b" " * (1_048_576 - 13) + b"}"
    assert len(just) == 1_048_576
    assert api.post("/toys", just).status_code == 201


class Source(io.BytesIO):
    """Counts what is taken from it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def test_what_is_announced_too_large_is_not_read() -> None:
    source = Source(b"x" * 2_000_000)
    with pytest.raises(PayloadTooLarge):
        read_limited(source, "2000000")
    assert source.taken == 0


def test_what_was_announced_smaller_than_it_is_is_not_read_to_its_end() -> None:
    source = Source(b"x" * 5_000_000)
    with pytest.raises(PayloadTooLarge):
        read_limited(source, "10")
    assert source.taken == 1_048_577


def test_a_chunked_body_is_read_where_the_server_ends_it(api: Api) -> None:
    content = b'{"name": "Chunk"}'
    extra: dict[str, Any] = {
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "application/json",
    }
    headers = {"authorization": f"Bearer {api.token}"}
    answer = api.client.generic("POST", "/api/v1/toys", headers=headers, **extra)
    assert (answer.status_code, answer.json().get("name")) == (201, "Chunk")
    extra |= {"wsgi.input_terminated": False, "wsgi.input": io.BytesIO(content)}
    answer = api.client.generic("POST", "/api/v1/toys", headers=headers, **extra)
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("name", "required")]),
        ({"name": None}, [("name", "null")]),
        ({"name": ""}, [("name", "blank")]),
        ({"name": "  "}, [("name", "blank")]),
        ({"name": 5}, [("name", "invalid")]),
        ({"name": True}, [("name", "invalid")]),
        ({"name": ["a"]}, [("name", "invalid")]),
        ({"name": "x" * 101}, [("name", "max_length")]),
        ({"name": "a\tb"}, [("name", "control_characters")]),
        ({"name": "a\u202eb"}, [("name", "control_characters")]),
        ({"name": "a\u0085b"}, [("name", "control_characters")]),
        ({"name": "a", "nmae": "b"}, [("nmae", "unknown_field")]),
        ({"name": "a", "unit_price": 1}, [("unit_price", "unknown_field")]),
        ({"name": "a", "unitPrice": True}, [("unitPrice", "invalid_amount")]),
        ({"name": "a", "unitPrice": "1,00"}, [("unitPrice", "invalid_amount")]),
        ({"name": "a", "unitPrice": "1e2"}, [("unitPrice", "invalid_amount")]),
        ({"name": "a", "unitPrice": 0}, [("unitPrice", "amount_not_positive")]),
        ({"name": "a", "unitPrice": -1}, [("unitPrice", "amount_not_positive")]),
        ({"name": "a", "unitPrice": 1.001}, [("unitPrice", "too_many_decimals")]),
        ({"name": "a", "unitPrice": 10**30}, [("unitPrice", "amount_too_large")]),
        ({"name": "a", "feePercent": "5"}, [("feePercent", "invalid_integer")]),
        ({"name": "a", "feePercent": 5.5}, [("feePercent", "invalid_integer")]),
        ({"name": "a", "feePercent": 201.0}, [("feePercent", "out_of_range")]),
        ({"name": "a", "feePercent": 201}, [("feePercent", "out_of_range")]),
        ({"name": "a", "feePercent": 10**25}, [("feePercent", "invalid_integer")]),
        ({"name": "a", "parts": {}}, [("parts", "not_a_list")]),
        ({"name": "a", "parts": [1]}, [("parts.0", "not_an_object")]),
        (
            {"name": "a", "parts": [{"id": "m", "amount": 1}, {"id": " m", "amount": "x", "y": 1}]},
            [
                ("parts.1.id", "spaces"),
                ("parts.1.amount", "invalid_amount"),
                ("parts.1.y", "unknown_field"),
            ],
        ),
        ({"name": "a", "metadata": []}, [("metadata", "invalid")]),
        ({"name": "a", "metadata": {"": 1}}, [("metadata", "key_too_long")]),
        ({"name": "a", "metadata": {"k" * 65: 1}}, [("metadata", "key_too_long")]),
        (
            {"name": "a", "metadata": {str(n): 1 for n in range(51)}},
            [("metadata", "too_many_keys")],
        ),
        ({"name": "a", "metadata": {"k": "x" * 16_384}}, [("metadata", "too_large")]),
        ({"name": "a", "metadata": {"k": 2**63}}, [("metadata", "number_out_of_range")]),
    ],
)
def test_every_field_that_is_wrong_is_named(
    api: Api, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    answer = api.post("/toys", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == errors


def test_huge_numbers_are_refused_politely(api: Api) -> None:
    digits = b"9" * 100_000
    for field in (b"feePercent", b"unitPrice"):
        answer = api.post("/toys", b'{"name": "a", "' + field + b'": ' + digits + b"}")
        assert answer.status_code == 400
        assert len(answer.content) < 1000
    # 1e20 comes back from the database as a whole number, which then no answer could hold.
    for number in (digits, b"1e999", b"-1e999", b"1e400", b"1e20", b"-9.3e18", b"1.5e300"):
        answer = api.post("/toys", b'{"name": "a", "metadata": {"n": ' + number + b"}}")
        assert answer.json()["errors"][0]["code"] == "number_out_of_range"


def test_metadata_comes_back_as_it_was_sent(api: Api) -> None:
    sent = {
        "n": 5,
        "f": 12.34,
        "big": 2**53 + 1,
        "e": 9.2e18,
        "s": 5e-300,
        "t": "ü",
        "l": [1, {"x": None}],
        "b": True,
    }
    assert api.call("PATCH", "/toys/1", {"metadata": sent}).json()["metadata"] == sent


def test_an_amount_never_passes_through_a_float(api: Api) -> None:
    body = b'{"unitPrice": 70000000000.07}'  # as a float it would be 70000000000.070007…
    assert api.call("PATCH", "/toys/1", body).json()["unit_price"] == 700000000000700000
    assert AmountField(places=7).run_validation(RawNumber("0.0000001")) == 1


def test_a_patch_takes_part_of_the_fields_and_still_no_unknown_one(api: Api) -> None:
    assert api.call("PATCH", "/toys/1", {}).json() == {"id": "1"}
    answer = api.call("PATCH", "/toys/1", {"nmae": "x"})
    assert answer.json()["errors"][0]["code"] == "unknown_field"


def test_a_filter_that_there_is_none_of_is_named(api: Api) -> None:
    answer = api.get("/toys?colour=red")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "colour")
    assert api.get("/toys?name=Shop&limit=5").json()["data"][0]["name"] == "Shop"
