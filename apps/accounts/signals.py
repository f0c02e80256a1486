"""What rooms above may want to hear of people."""

from django.dispatch import Signal

#: Somebody's sessions or tokens were ended, by `user_id`; sent within the transaction that does so.
access_ended = Signal()
