"""Further places of secrets, by what the text mentions: commands, tables, headers, stores.

`{w}` is a password that a person made up, `{kN}` a key of N letters and digits, `{hN}` one of N
hexadecimal digits, `{uuid}` one in groups.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from random import Random

PASSWORDS = ("Blu3Heron", "tr0ub4dor&3", "MyP@ssw0rd!", "kitten42", "Summer2023!")
PLACES = (
    r"!net use Z: \\srv\share {w} /user:ann",
    r"!net use \\srv\data /user:corp\ann {w}",
    "!net user ann {w} /add",
    "!mc alias set minio http://h:9000 ann {w}",
    "!mc config host add minio http://h:9000 minioadmin {w}",
    "!rclone obscure {w}",
    "!conda config --add channels https://conda.x.org/t/{k40}/ch",
    "!influx config create -n x -u http://h -t {k86}==",
    "!codecov -t {uuid}",
    "!certutil -p {w} -importpfx a.pfx",
    "!schtasks /create /ru ann /rp {w} /tn x",
    "!wpa_passphrase ssid {w}",
    "%%writefile redis.conf\nrequirepass {w}",
    "%%writefile .htpasswd\nann:$apr1${k8}${k22}",
    "| user | password |\n|---|---|\n| ann | {w} |",
    "| service | api key | note |\n|:--|:-:|--|\n| maps | `{k32}` | mine |",
    "**Password:** `{w}`",
    "__password__: {w}",
    'headers = {{"Authorization": "Splunk {uuid}"}}',
    'headers = {{"Authorization": "GenieKey {uuid}"}}',
    'headers = {{"authorization": "ApiKey {k40}"}}',
    'Web3(HTTPProvider("https://mainnet.infura.io/v3/{h32}"))',
    'users = {{"ann": "{w}", "bob": "x"}}',
    'logins = [("ann", "{w}")]',
    'sock.send(b"PASS {w}\\r\\n")',
    'pexpect.spawn("x").sendline("{w}")  # pw',
    'key = b"{k16}"',
    'pw_box.value = "{w}"',
    'password_widget.text = "{w}"',
    'password_field.setText("{w}")',
    'keyring::key_set_with_value("service", "ann", "{w}")',
    'Account.from_mnemonic("abandon ability able about above absent absorb abstract absurd abuse'
    ' access accident")',
)
# The same places with nothing to hide.
HARMLESS = (
    "!net use Z: \\\\srv\\share /persistent:yes",
    "the net user growth of the year",
    "!docker run -t image",
    "| model | accuracy |\n|---|---|\n| net42 | 0.9 |",
    "| key | value |\n|---|---|\n| batch_size | 32 |",
    "| name | password |\n|---|---|\n| ann | changeme |",
    "**Note:** passwords are hashed",
    'users = {{"ann": "admin", "bob": "guest"}}',
    'users = ["ann", "bob"]',
    "https://api.x.org/v2/users/list",
    "!mc alias list",
    'headers = {{"Authorization": "Bearer YOUR_ACCESS_TOKEN_HERE"}}',
    'drive_id = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"',
    'public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9"',
    'remote = "gdrive://1A2b3C4d5E6f7G8h9I0j"',
    'password_label.text = "Password:"',
    'token.value == "NAME"',
    "np.random.seed('a b c d e f g h i j k l')",
)


def filled(seed: int) -> Iterator[tuple[str, str]]:
    """Each place with the text that it makes, the values drawn from a seed."""
    draw = Random(seed)
    for place in PLACES:
        values = {
            f"k{n}": "".join(draw.choices(string.ascii_letters + string.digits, k=n))
            for n in (8, 16, 22, 32, 40, 86)
        }
        hex = "".join(draw.choices("0123456789abcdef", k=32))
        groups = (hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:])
        word = draw.choice(PASSWORDS)
        yield place, place.format(w=word, h32=hex, uuid="-".join(groups), **values)
