<?php
// Draws a landscape as large as a camera's picture for the web, and prints it as JPEG: hills in the haze below a sun.
// The argument is a seed: another one, another landscape.
mt_srand((int) $argv[1]);
[$width, $height] = [1600, 900];
$image = imagecreatetruecolor($width, $height);
$blend = fn(array $from, array $to, float $part) => imagecolorallocate(
    $image,
    ...array_map(fn($a, $b) => (int) round($a + ($b - $a) * $part), $from, $to)
);
[$top, $horizon, $near] = [
    [[96, 146, 196], [250, 214, 168], [30, 62, 48]],
    [[62, 92, 140], [240, 176, 140], [44, 40, 66]],
][mt_rand(0, 1)];
for ($y = 0; $y < $height; $y++) {
    imageline($image, 0, $y, $width, $y, $blend($top, $horizon, min(1, $y / ($height * 0.65))));
}
$sun = mt_rand(300, 1300);
for ($radius = 150; $radius > 44; $radius -= 2) { // the glow around it
    imagefilledellipse($image, $sun, 300, 2 * $radius, 2 * $radius, imagecolorallocatealpha($image, 255, 238, 200, 124));
}
imagefilledellipse($image, $sun, 300, 84, 84, imagecolorallocate($image, 255, 246, 222));
for ($layer = 0; $layer < 6; $layer++) {
    $colour = $blend($horizon, $near, ($layer + 1) / 6);
    $waves = array_map(fn() => [mt_rand(30, 90) / (1 + $layer / 3), mt_rand(200, 900), mt_rand(0, 628) / 100], range(1, 4));
    for ($x = 0; $x < $width; $x++) {
        $hill = array_sum(array_map(fn($wave) => $wave[0] * sin($x / $wave[1] * 6.28 + $wave[2]), $waves)) / 2;
        imageline($image, $x, (int) (420 + 80 * $layer + $hill), $x, $height, $colour);
    }
}
imagejpeg($image, null, 82);
