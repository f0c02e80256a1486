"""What a worker does with messages that it has taken when it loses the broker."""

import logging
from typing import Any

from kombu.transport import redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class QoS(redis.QoS):
    """Gives messages back, or says that they are done, where there is somebody to hear of it.

    Kombu's own takes that for granted. A worker that loses Redis amid its work would end: on a
    channel that is closed by then kombu fails with AttributeError. The reaper sends again what
    nobody has heard of, and a row that was done isn't done again.
    """

    def restore_unacked_once(self, stderr: Any = None) -> None:
        try:
            super().restore_unacked_once(stderr=stderr)
        except (AttributeError, RedisError, OSError) as error:
            logger.warning("The broker is gone; what was taken is left to the reaper: %s", error)

    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)
        except AttributeError:
            if not self.channel.closed:
                raise
            logger.warning("The broker that is to hear of an end is gone; the row has it.")


def install() -> None:
    redis.Channel.QoS = QoS
