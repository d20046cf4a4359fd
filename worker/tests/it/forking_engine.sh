#!/bin/sh
# What a child that was taken over might leave behind.
sleep 1000 &
exec sleep 1000
