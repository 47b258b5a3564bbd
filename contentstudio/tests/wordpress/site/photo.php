<?php
// Draws a landscape as large as a camera's picture for the web, and prints it as JPEG: hills in the haze below a sun.
// The argument is a seed: another one, another landscape; odd ones are of the morning, even ones of the evening.
mt_srand((int) $argv[1]);
[$width, $height] = [1600, 900];
$image = imagecreatetruecolor($width, $height);
$mix = fn(array $from, array $to, float $part) => array_map(fn($a, $b) => (int) round($a + ($b - $a) * $part), $from, $to);
$colour = fn(array $of) => imagecolorallocate($image, ...$of);
[$top, $horizon, $near] = [
    [[62, 92, 140], [240, 176, 140], [44, 40, 66]],
    [[96, 146, 196], [250, 214, 168], [30, 62, 48]],
][$argv[1] % 2];
$sun = mt_rand(300, 1300);
for ($y = 0; $y < $height; $y++) {
    $sky = $mix($top, $horizon, min(1, $y / ($height * 0.65)));
    imageline($image, 0, $y, $width, $y, $colour($sky));
    for ($x = $sun - 300; $x < $sun + 300; $x++) { // the glow around the sun
        $near_sun = max(0, 1 - hypot($x - $sun, $y - 300) / 300);
        if ($near_sun > 0) {
            imagesetpixel($image, $x, $y, $colour($mix($sky, [255, 244, 214], 0.7 * $near_sun ** 2)));
        }
    }
}
imagefilledellipse($image, $sun, 300, 84, 84, $colour([255, 248, 230]));
for ($layer = 0; $layer < 6; $layer++) {
    $hills = $colour($mix($horizon, $near, ($layer + 1) / 6));
    $waves = array_map(fn() => [mt_rand(30, 90) / (1 + $layer / 3), mt_rand(200, 900), mt_rand(0, 628) / 100], range(1, 4));
    for ($x = 0; $x < $width; $x++) {
        $hill = array_sum(array_map(fn($wave) => $wave[0] * sin($x / $wave[1] * 6.28 + $wave[2]), $waves)) / 2;
        imageline($image, $x, (int) (420 + 80 * $layer + $hill), $x, $height, $hills);
    }
}
imagejpeg($image, null, 82);
