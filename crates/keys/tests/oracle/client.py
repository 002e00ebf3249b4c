"""Yubico's client (python-fido2) against the software authenticator, report by report, and its own verification of what
that attests. What holds for the authenticator with this client holds for our client with the authenticator."""

import hashlib
import os
import subprocess
import sys

from fido2.attestation import PackedAttestation
from fido2.attestation.base import InvalidSignature
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2, ClientPin, Config
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from fido2.webauthn import AttestationObject


class Pipe(CtapHidConnection):
    def __init__(self, process):
        self.process = process
        self.waiting = []

    def write_packet(self, data):
        self.process.stdin.write(bytes(data).hex() + "\n")

    def read_packet(self):
        while not self.waiting:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            while line := self.process.stdout.readline().strip():
                self.waiting.append(bytes.fromhex(line))
        return self.waiting.pop(0)

    def close(self):
        pass


process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
root = bytes.fromhex(process.stdout.readline().strip())
descriptor = HidDescriptor("pipe", 0x1050, 1, 64, 64, "software key", None)
device = CtapHidDevice(descriptor, Pipe(process))
ctap = Ctap2(device)
RP, PIN = "login.microsoft.com", "135791"

assert "FIDO_2_1" in ctap.info.versions and ctap.info.options["clientPin"] is False
ClientPin(ctap, PinProtocolV2()).set_pin(PIN)
assert ctap.get_info().options["clientPin"] is True


def token(protocol, pin, permission):
    return ClientPin(Ctap2(device), protocol).get_pin_token(pin, permission, RP)


def make(protocol, exclude=None):
    proof = token(protocol, PIN, ClientPin.PERMISSION.MAKE_CREDENTIAL)
    client_data = os.urandom(32)
    made = Ctap2(device).make_credential(
        client_data,
        {"id": RP, "name": "Microsoft"},
        {"id": b"user", "name": "ea01"},
        [{"type": "public-key", "alg": -7}],
        exclude_list=exclude,
        extensions={"credProtect": 1, "hmac-secret": True},
        options={"rk": True},
        pin_uv_param=protocol.authenticate(proof, client_data),
        pin_uv_protocol=protocol.VERSION,
    )
    return client_data, made


def refused(code, act):
    try:
        act()
    except CtapError as error:
        assert error.code == code, (error.code, code)
    else:
        raise AssertionError(f"not refused with {code}")


for protocol in (PinProtocolV1(), PinProtocolV2()):
    client_data, made = make(protocol)
    assert made.fmt == "packed" and made.auth_data.is_user_verified()
    PackedAttestation().verify(made.att_stmt, made.auth_data, client_data)
    try:
        PackedAttestation().verify(made.att_stmt, made.auth_data, hashlib.sha256(b"other").digest())
    except InvalidSignature:
        pass
    else:
        raise AssertionError("another hash verifies")
    credential = made.auth_data.credential_data
    excluded = [{"type": "public-key", "id": credential.credential_id}]
    refused(CtapError.ERR.CREDENTIAL_EXCLUDED, lambda: make(protocol, excluded))
    proof = token(protocol, PIN, ClientPin.PERMISSION.GET_ASSERTION)
    client_data = os.urandom(32)
    used = Ctap2(device).get_assertion(
        RP,
        client_data,
        pin_uv_param=protocol.authenticate(proof, client_data),
        pin_uv_protocol=protocol.VERSION,
    )
    used.verify(client_data, credential.public_key)

protocol = PinProtocolV2()
wrong = lambda: token(protocol, "000000", ClientPin.PERMISSION.GET_ASSERTION)
refused(CtapError.ERR.PIN_INVALID, wrong)
refused(CtapError.ERR.PIN_INVALID, wrong)
refused(CtapError.ERR.PIN_AUTH_BLOCKED, wrong)
assert ClientPin(ctap, protocol).get_pin_retries()[0] == 5
process.stdin.write("replug\n")
ClientPin(Ctap2(device), protocol).change_pin(PIN, "24681012")
PIN = "24681012"
proof = ClientPin(Ctap2(device), protocol).get_pin_token(PIN, ClientPin.PERMISSION.AUTHENTICATOR_CFG)
Config(Ctap2(device), protocol, proof).set_min_pin_length(8, force_change_pin=True)
info = Ctap2(device).get_info()
assert (info.min_pin_length, info.force_pin_change) == (8, True)
process.stdin.close()
print("fine")
