"""The media half of a stand-in for VideoSDK's rooms: what mediasoup calls a WebRtcTransport, made of aiortc's parts.

ICE as mediasoup does it, "lite": the server answers binding requests and never sends any. On top of it real DTLS, SRTP
and SCTP; so the vendor's own package joins over loopback with real media.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from typing import Any

from aioice import stun
from aiortc import RTCCertificate, RTCDataChannel, RTCDtlsTransport, RTCRtpReceiver, RTCRtpSender, RTCSctpTransport
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcdatachannel import RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpDecodingParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from aiortc.rtcsctptransport import RTCSctpCapabilities

SCTP_PORT = 5000
MAX_MESSAGE = 262_144
WAITING_DATAGRAMS = 2000

OPUS = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=111)
VP8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000, payloadType=96)
CODECS = {"audio": OPUS, "video": VP8}

ROUTER_CAPABILITIES: dict[str, Any] = {
    "codecs": [
        {
            "kind": kind,
            "mimeType": codec.mimeType,
            "preferredPayloadType": codec.payloadType,
            "clockRate": codec.clockRate,
            **({"channels": codec.channels} if codec.channels else {}),
            "parameters": {},
            "rtcpFeedback": [{"type": "nack"}, {"type": "nack", "parameter": "pli"}] if kind == "video" else [],
        }
        for kind, codec in CODECS.items()
    ],
    "headerExtensions": [],
}


class LiteIce(asyncio.DatagramProtocol):
    """One UDP socket with the face of aiortc's ICE transport. Whoever knows the password is the peer."""

    role = "controlled"

    def __init__(self) -> None:
        self.fragment, self.password = secrets.token_hex(8), secrets.token_hex(16)
        self.muted = False  # True: nothing goes out any more, as behind a cut cable
        self._udp: asyncio.DatagramTransport | None = None
        self._peer: tuple[str, int] | None = None
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_DATAGRAMS)
        self._found = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def state(self) -> str:
        return "completed" if self._peer else "new"

    async def open(self) -> int:
        self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        port: int = self._udp.get_extra_info("sockname")[1]
        return port

    async def peer_found(self) -> None:
        await self._found.wait()

    async def close(self) -> None:
        if self._arrived.full():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)
        if self._udp is not None:
            self._udp.close()
            await self._ended.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.muted:
            return
        if data[:1] < b"\x04":
            self._answer(data, addr)
        elif addr == self._peer and not self._arrived.full():
            self._arrived.put_nowait(data)

    def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        request = stun.parse_message(data)
        if request.message_class is not stun.Class.REQUEST or self._udp is None:
            return
        if not request.check_message_integrity(self.password.encode()):
            return
        response = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = addr
        response.add_message_integrity(self.password.encode())
        response.add_fingerprint()
        self._udp.sendto(bytes(response), addr)
        self._peer = addr
        self._found.set()

    async def _recv(self) -> bytes:
        data = await self._arrived.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self._udp is None or self._udp.is_closing():
            raise ConnectionError
        if self._peer is not None and not self.muted:
            self._udp.sendto(data, self._peer)


class _Sctp(RTCSctpTransport):
    @property
    def is_server(self) -> bool:
        """The participant opens the association, whatever its role in DTLS."""
        return True


class WebRtcTransport:
    """One transport of one participant: media from it (`produce`) or to it (`consume`)."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self.ice = LiteIce()
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
        self.sctp = _Sctp(self.dtls, SCTP_PORT)
        self.dtls.on("statechange", self._on_dtls)
        self._senders: dict[str, RTCRtpSender] = {}
        self._mids = itertools.count()
        self._receivers: list[RTCRtpReceiver] = []
        self.connected = asyncio.Event()
        self._port = 0

    async def open(self) -> dict[str, Any]:
        """What createWebRtcTransport answers."""
        self._port = await self.ice.open()
        candidate = {"foundation": "1", "priority": 1_076_302_079, "ip": "127.0.0.1", "port": self._port}
        return {
            "id": self.id,
            "iceParameters": {"usernameFragment": self.ice.fragment, "password": self.ice.password, "iceLite": True},
            "iceCandidates": [{**candidate, "protocol": "udp", "type": "host"}],
            "dtlsParameters": {
                "role": "auto",
                "fingerprints": [
                    {"algorithm": print_.algorithm, "value": print_.value}
                    for print_ in self.dtls.getLocalParameters().fingerprints
                ],
            },
            "sctpParameters": {"port": SCTP_PORT, "OS": 1024, "MIS": 1024, "maxMessageSize": MAX_MESSAGE},
        }

    async def connect(self, dtls: dict[str, Any]) -> None:
        """Shakes hands with the participant; runs until that is done."""
        await self.ice.peer_found()
        self.dtls._set_role("client" if dtls["role"] == "server" else "server")
        prints = [RTCDtlsFingerprint(one["algorithm"], one["value"]) for one in dtls["fingerprints"]]
        await self.dtls.start(RTCDtlsParameters(prints))
        if self.dtls.state == "connected":
            await self.sctp.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE), SCTP_PORT)
            self.connected.set()

    async def produce(self, kind: str, parameters: dict[str, Any]) -> MediaStreamTrack:
        """Takes in what the participant sends."""
        receiver = RTCRtpReceiver(kind, self.dtls)
        receiver._track = RemoteStreamTrack(kind=kind)
        codec = parameters["codecs"][0]
        await receiver.receive(
            RTCRtpReceiveParameters(
                codecs=[
                    RTCRtpCodecParameters(
                        mimeType=codec["mimeType"],
                        clockRate=codec["clockRate"],
                        channels=codec.get("channels"),
                        payloadType=codec["payloadType"],
                    )
                ],
                encodings=[
                    RTCRtpDecodingParameters(ssrc=one["ssrc"], payloadType=codec["payloadType"])
                    for one in parameters["encodings"]
                ],
            )
        )
        self._receivers.append(receiver)
        return receiver.track

    def consume(self, consumer: str, track: MediaStreamTrack) -> dict[str, Any]:
        """Prepares to send `track`; returns the rtpParameters of newConsumer. Nothing is sent before `resume`."""
        sender = self._senders[consumer] = RTCRtpSender(track, self.dtls)
        codec = CODECS[track.kind]
        return {
            "mid": str(next(self._mids)),
            "codecs": [
                {
                    "mimeType": codec.mimeType,
                    "payloadType": codec.payloadType,
                    "clockRate": codec.clockRate,
                    **({"channels": codec.channels} if codec.channels else {}),
                    "parameters": {},
                    "rtcpFeedback": [],
                }
            ],
            "headerExtensions": [],
            "encodings": [{"ssrc": sender._ssrc}],
            "rtcp": {"cname": consumer, "reducedSize": True, "mux": True},
        }

    async def resume(self, consumer: str) -> None:
        sender = self._senders[consumer]
        await self.connected.wait()
        await sender.send(
            RTCRtpSendParameters(codecs=[CODECS[sender.kind]], rtcp=RTCRtcpParameters(cname=consumer, mux=True))
        )

    async def close_consumer(self, consumer: str) -> None:
        await self._senders.pop(consumer).stop()

    def data_channel(self, parameters: dict[str, Any]) -> RTCDataChannel:
        return RTCDataChannel(
            self.sctp,
            RTCDataChannelParameters(
                label=parameters.get("label") or "",
                ordered=parameters.get("ordered", True),
                maxRetransmits=parameters.get("maxRetransmits"),
                negotiated=True,
                id=parameters["streamId"],
            ),
        )

    async def close(self) -> None:
        for sender in self._senders.values():
            await sender.stop()
        for receiver in self._receivers:
            await receiver.stop()
        if self.dtls.state == "connected":
            await self.sctp.stop()
        await self.dtls.stop()
        await self.ice.close()

    def _on_dtls(self) -> None:
        if self.dtls.state == "closed":
            self.sctp._set_state(RTCSctpTransport.State.CLOSED)  # its timers would send into nothing
